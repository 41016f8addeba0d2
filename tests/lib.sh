# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Interpreters and venvs, for the scripts tests/*/run.

STATE=/var/lib/evenkeel-lab

# The path of Python $1, such as 3.12, if this machine has one.
python_of() {
    # A name on PATH may be a shim with no interpreter behind it.
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/"python$1"; do
        "$candidate" -c 'import sys; print(getattr(sys, "_base_executable", sys.executable))' 2>/dev/null && return 0
    done
    return 1
}

# The directory of a venv that has ansible-core $1 on the Python $2; it is made where it is missing.
core_venv() {
    venv=$STATE/venvs/ansible-core-${1%.*}
    set -- "$2" "ansible-core==$1"
    case $2 in
        # ansible-test makes its venvs of Python 2.7 with virtualenv, in whose words it asks for its version (20 answers in others).
        *==2.16.*) set -- "$@" virtualenv==16.7.12 ;;
    esac
    if [ "$(cat "$venv/.complete" 2>/dev/null)" != "$*" ] || ! "$venv/bin/python" -c '' 2>/dev/null; then
        echo "Making $venv" >&2
        rm -rf "$venv"
        "$1" -m venv "$venv" || return 1
        made_of=$*
        shift
        "$venv/bin/pip" install -qq "$@" >&2 || return 1
        echo "$made_of" >"$venv/.complete"
    fi
    echo "$venv"
}

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

# venv DIRECTORY PYTHON WORD...: a venv of that Python into which pip has installed the words. Where it is missing, or was made of other
# words, one process makes it while others wait; what was not finished is made anew.
venv() {
    (
        directory=$1 interpreter=$2
        shift 2
        mkdir -p "$(dirname "$directory")" && exec 9>"$directory.lock" && flock 9 || exit 1
        [ "$(cat "$directory/.complete" 2>/dev/null)" != "$interpreter $*" ] || ! "$directory/bin/python" -c '' 2>/dev/null || exit 0
        echo "Making $directory" >&2
        rm -rf "$directory"
        "$interpreter" -m venv "$directory" &&
            "$directory/bin/pip" install --quiet --disable-pip-version-check "$@" >&2 &&
            echo "$interpreter $*" >"$directory/.complete"
    )
}

# The directory of a venv that has ansible-core $1 on the Python $2; it is made where it is missing.
core_venv() {
    set -- "$STATE/venvs/ansible-core-${1%.*}" "$2" "ansible-core==$1"
    case $3 in
        # ansible-test makes its venvs of Python 2.7 with virtualenv, in whose words it asks for its version (20 answers in others).
        *==2.16.*) set -- "$@" virtualenv==16.7.12 ;;
    esac
    venv "$@" && echo "$1"
}

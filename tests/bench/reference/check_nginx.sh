#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# nginx has no process: keepalived stops, so that the VIP leaves. The lab's hosts have no ps, pidof or killall.
for file in /proc/[0-9]*/comm; do
    read -r name <"$file" && [[ $name == nginx ]] && exit 0
done 2>/dev/null
systemctl --no-block stop keepalived
exit 1

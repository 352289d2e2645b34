#!/bin/sh
# The first process of the second kernel: its own /proc, /sys, /run, /tmp and /dev, then the function that was asked for.
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin HOME=/root LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mkdir -p /run/netns
ip link set lo up
cd "$PORTSCOPE_ROOT" && "$PORTSCOPE_PYTHON" -m tests.harness.guest "$PORTSCOPE_GUEST"
sync
exec "$PORTSCOPE_PYTHON" -c 'import ctypes; ctypes.CDLL(None).reboot(0x4321FEDC)'

#!/bin/sh
# Makes a virtual environment with what the relay and the chat need, once, and prints which Python to use. Where that is
# not possible it says so, and prints the Python that is there: everything else works with it.
#
# usage: venv.sh <directory>
set -u

packages="websockets>=15.0.1,<18"
python=${PYTHON:-python3}

if "$python" -c "import websockets.asyncio.client" 2>/dev/null; then
    echo "$python"
    exit
fi
if [ ! -e "$1/ready" ]; then
    mkdir -p "$(dirname "$1")"
    {
        rm -rf "$1" && "$python" -m venv "$1" &&
            "$1/bin/pip" install -q --disable-pip-version-check --retries 1 --timeout 10 "$packages" && : >"$1/ready"
    } >"$1.log" 2>&1
fi
if [ -e "$1/ready" ]; then
    echo "$1/bin/python"
else
    echo "No relay and no chat in Python: the package websockets cannot be had. Why: $1.log" >&2
    echo "$python"
fi

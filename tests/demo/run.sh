#!/bin/sh
# Runs the demo's story with the example programs as each compiler makes them: plain, with AddressSanitizer and
# UndefinedBehaviorSanitizer, and under valgrind. It also proves that the story can fail, that the README shows
# bindings/c/examples/direct.c, and that a chat by hand works, with the Python package websockets and without it. What is
# missing on this machine is skipped and said.
#
# usage: tests/demo/run.sh <directory of libsealwax> [file to append skips to]
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
library=$(cd "$1" && pwd) || exit 2
skips=${2:-/dev/null}
examples="$root/bindings/c/examples"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

warnings="-Wall -Wextra -Wpedantic -Werror"
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
passed=0
failed=0

case $(uname -s) in
    Darwin) SEALWAX_LIBRARY="$library/libsealwax.dylib" ;;
    *) SEALWAX_LIBRARY="$library/libsealwax.so" ;;
esac
export SEALWAX_LIBRARY
export PYTHONPATH="$root/bindings/python" PYTHONDONTWRITEBYTECODE=1

skip() {
    echo "SKIPPED  $1"
    echo "$1" >>"$skips"
}

# attempt <what> <command...>
attempt() {
    what=$1
    shift
    if "$@" >"$work/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED   $what"
        sed 's/^/    /' "$work/log"
    fi
}

# build <directory> <compiler and flags...>
build() {
    into=$1
    shift
    mkdir -p "$into"
    for program in "relay hostile frames" "client frames" "direct" "host"; do
        sources=
        for source in $program; do sources="$sources $examples/$source.c"; done
        # shellcheck disable=SC2086 # flags and sources are words
        "$@" -std=c99 $warnings -g -I"$root/include" $sources -o "$into/${program%% *}" -L"$library" -lsealwax \
            -Wl,-rpath,"$library" || return 1
    done
}

story() {
    python3 "$root/bindings/python/examples/demo.py" "$1" hostile
}

compilers=
for compiler in gcc clang; do
    if command -v "$compiler" >/dev/null 2>&1; then
        compilers="$compilers $compiler"
    else
        skip "demo with $compiler: not installed"
    fi
done
[ -n "$compilers" ] || compilers=cc

wait_for() {
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q "$1" "$2" && return 0
        sleep 1
    done
    cat "$2"
    return 1
}

# Two hosts of clients on the relay, one of which comes back after the other has written to it.
hosts() {
    programs=$1
    rm -rf "$work/hosts" && mkdir "$work/hosts" && mkfifo "$work/hosts/bob" "$work/hosts/alice" || return 1
    "$programs/relay" --port 0 >"$work/hosts/relay.out" 2>&1 &
    relay=$!
    wait_for "^listening on" "$work/hosts/relay.out" || return 1
    port=$(sed -n 's/^listening on .*:\([0-9]*\)$/\1/p' "$work/hosts/relay.out")
    host alice 3 && host bob 4 && echo "group team bob" >&3 || return 1
    wait_for "^\* we are in team" "$work/hosts/bob.out" || return 1
    echo "to alice hello from a host" >&4
    echo "members" >&4
    wait_for "^\[bob\] hello from a host" "$work/hosts/alice.out" && wait_for "  alice, owner" "$work/hosts/bob.out" ||
        return 1
    exec 4>&-
    wait "$bob" || return 1
    echo "say still here?" >&3
    rm "$work/hosts/bob" && mkfifo "$work/hosts/bob" || return 1
    host bob 4 || return 1
    wait_for "^\[alice to all\] still here?" "$work/hosts/bob.out" || return 1
    exec 3>&- 4>&-
    wait "$alice" && wait "$bob" || return 1
    kill "$relay"
    wait "$relay" && relay=
}
two_hosts() {
    relay=
    hosts "$1" && return 0
    exec 3>&- 4>&-
    [ -z "$relay" ] || kill "$relay"
    cat "$work"/hosts/*.out
    return 1
}
# host <name> <file descriptor that is typed into>
host() {
    : >"$work/hosts/$1.out"
    "$programs/host" "$port" "$1" "$work/hosts/$1.store" "$work/hosts/$1.key" <"$work/hosts/$1" \
        >"$work/hosts/$1.out" 2>&1 3>&- 4>&- &
    eval "$1=$!; exec $2>\"\$work/hosts/$1\""
    wait_for "^\* connected" "$work/hosts/$1.out"
}

for compiler in $compilers; do
    attempt "examples, $compiler C99" build "$work/$compiler" "$compiler"
    attempt "direct, $compiler" "$work/$compiler/direct"
    attempt "the story, $compiler" story "$work/$compiler"
    attempt "two hosts, $compiler" two_hosts "$work/$compiler"

    echo 'int main(void) { return 0; }' >"$work/probe.c"
    # shellcheck disable=SC2086
    if "$compiler" $sanitizers "$work/probe.c" -o "$work/probe" >/dev/null 2>&1 && "$work/probe"; then
        attempt "examples, $compiler, sanitizers" build "$work/$compiler-sanitized" "$compiler" $sanitizers
        attempt "direct, $compiler, sanitizers" "$work/$compiler-sanitized/direct"
        attempt "the story, $compiler, sanitizers" story "$work/$compiler-sanitized"
        attempt "two hosts, $compiler, sanitizers" two_hosts "$work/$compiler-sanitized"
    else
        skip "demo with sanitizers of $compiler: no runtime"
    fi
done

first=${compilers# }
first=${first%% *}
if command -v valgrind >/dev/null 2>&1; then
    mkdir "$work/valgrind"
    for program in relay client direct; do
        {
            echo '#!/bin/sh'
            echo "exec valgrind --quiet --leak-check=full --error-exitcode=9 '$work/$first/$program' \"\$@\""
        } >"$work/valgrind/$program"
        chmod +x "$work/valgrind/$program"
    done
    attempt "direct, valgrind" "$work/valgrind/direct"
    attempt "the story, valgrind" story "$work/valgrind"
else
    skip "demo under valgrind: not installed"
fi

# fails <why> <directory>: whether the story notices, and says why
fails() {
    DEMO_PATIENCE_S=5 story "$2" >"$work/story" && return 1
    grep "THE STORY DIFFERS: $1" "$work/story"
}
mkdir "$work/other" "$work/forgetful"
cp "$work/$first/relay" "$work/other/relay"
cat >"$work/other/client" <<END
#!/bin/sh
"$work/$first/client" "\$@" | while IFS= read -r line; do
    case \$line in
        *gold*) echo "[alice to all] The silver is under the third stair." ;;
        *) printf '%s\\n' "\$line" ;;
    esac
done
END
cp "$work/$first/client" "$work/forgetful/client"
printf '#!/bin/sh\nexec "%s" --hostile\n' "$work/$first/relay" >"$work/forgetful/relay"
chmod +x "$work/other/client" "$work/forgetful/relay"
attempt "a client that says something else is noticed" fails "carol should have printed" "$work/other"
attempt "a relay that keeps nothing to search is noticed" fails "the relay keeps no record" "$work/forgetful"

# The first C block of the README that is a whole program.
awk '/^```c$/ { inside = 1; text = ""; next }
     /^```/ && inside { inside = 0; if (text ~ /int main\(/) { printf "%s", text; exit } }
     inside { text = text $0 "\n" }' "$root/README.md" >"$work/readme.c"
attempt "the README shows direct.c" diff "$examples/direct.c" "$work/readme.c"

# The act of people, in Python alone; and that without its package the rest is shown.
python=$("$root/bindings/python/examples/venv.sh" "$root/build/venv" 2>/dev/null)
people() {
    "$python" "$root/bindings/python/examples/demo.py" "$work/$first" people
}
if "$python" -c "import websockets.asyncio.client" 2>/dev/null; then
    attempt "the story of people" people
else
    skip "the story of people, and the chat: no package websockets, see build/venv.log"
fi
without() {
    # -S: what is installed is not seen.
    python3 -S "$root/bindings/python/examples/demo.py" "$work/$first" people >"$work/without" || return 1
    grep "^Left out" "$work/without"
}
attempt "without the package the demo says what it leaves out" without

# make chat, with both terminals played by this script: the examples without the package, and the chat with it.
chat() {
    chat_py="$root/bindings/python/examples/chat.py"
    CHAT_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    export CHAT_PORT
    here=$1 quit=$2
    shift 2
    rm -f "$work/alice" && mkfifo "$work/alice" || return 1
    # What an earlier chat has said is no sign that this one is there.
    : >"$work/alice.out"
    "$@" "$chat_py" "$work/$first" "$work/stores" <"$work/alice" >"$work/alice.out" 2>&1 &
    alice=$!
    exec 3>"$work/alice"
    wait_for "alice is here" "$work/alice.out" || return 1
    { echo "${here}to alice hello from the second terminal"; sleep 2; echo "$quit"; } |
        "$@" "$chat_py" "$work/$first" "$work/stores" || return 1
    wait_for '^\[bob\] hello from the second terminal' "$work/alice.out" || return 1
    echo "$quit" >&3
    exec 3>&-
    wait "$alice"
}
attempt "a chat in two terminals, without the package" chat "" quit python3 -S
if "$python" -c "import websockets.asyncio.client" 2>/dev/null; then
    attempt "a chat in two terminals" chat / /quit "$python"
fi

# The second terminal's `make chat` builds the library too, while the programs of the first have it in memory.
rebuilds_aside() {
    mkdir "$work/lib" && echo old >"$work/built" && in_memory="$work/lib.in-memory" || return 1
    make -s -C "$root" lib CARGO=true BUILT="$work/built" LIB="$work/lib" || return 1
    ln "$work"/lib/libsealwax.*.*.* "$in_memory" && echo new >"$work/built" || return 1
    make -s -C "$root" lib CARGO=true BUILT="$work/built" LIB="$work/lib" || return 1
    grep -qx old "$in_memory" && grep -qx new "$work"/lib/libsealwax.*.*.*
}
attempt "building again leaves a library that is in use as it was" rebuilds_aside

echo "Demo: $passed passed, $failed failed"
[ $failed -eq 0 ]

#!/bin/sh
# Installs into a temporary root, moves the tree elsewhere, and builds programs against it the way a user would:
# through pkg-config and through CMake. The programs are the header's test and, once there is one, the C example of
# the README.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

make -s -C "$root" install DESTDIR="$work/root" PREFIX=/usr
mv "$work/root/usr" "$work/moved"
library="$work/moved/lib"

mkdir "$work/programs"
cp "$root/tests/c/header_alone.c" "$work/programs/"
if [ -f "$root/README.md" ]; then
    # The first C block that is a whole program.
    awk '/^```c$/ { inside = 1; text = ""; next }
         /^```/ && inside { inside = 0; if (text ~ /int main\(/) { printf "%s", text; exit } }
         inside { text = text $0 "\n" }' "$root/README.md" >"$work/programs/readme.c"
    [ -s "$work/programs/readme.c" ] || { echo "no C program in README.md"; exit 1; }
fi

passed=0
for program in "$work"/programs/*.c; do
    name=$(basename "$program" .c)

    # shellcheck disable=SC2046 # flags are words
    cc -Wall -Wextra -Werror "$program" -o "$work/$name" \
        $(PKG_CONFIG_PATH="$library/pkgconfig" pkg-config --cflags --libs sealwax)
    LD_LIBRARY_PATH="$library" DYLD_LIBRARY_PATH="$library" "$work/$name"
    echo "ok  $name, pkg-config"
    passed=$((passed + 1))

    mkdir "$work/cmake-$name"
    cat >"$work/cmake-$name/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.16)
project(program C)
find_package(sealwax $(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml") REQUIRED)
add_executable(program $program)
target_link_libraries(program PRIVATE sealwax::sealwax)
END
    cmake -S "$work/cmake-$name" -B "$work/cmake-$name/build" -DCMAKE_PREFIX_PATH="$work/moved" >/dev/null
    cmake --build "$work/cmake-$name/build" >/dev/null
    "$work/cmake-$name/build/program"
    echo "ok  $name, CMake"
    passed=$((passed + 1))
done
echo "Installed programs: $passed passed, 0 failed"

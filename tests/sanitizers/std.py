#!/usr/bin/env python3
"""Makes a sysroot whose standard library reports to a sanitizer.

The toolchain has no sources of it, but its objects carry the bitcode that they were made from, and the compiler's own
LLVM compiles that anew: with what tells the sanitizer of each access, and ThreadSanitizer of each atomic operation, by
which the locks of the standard library order things.

usage: std.py <rustc> <directory> address|thread
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

#: By which attribute LLVM knows what to instrument, and by which passes.
SANITIZERS = {
    "address": (b"sanitize_address", b"asan"),
    "thread": (b"sanitize_thread", b"tsan-module,function(tsan)"),
}
INSTRUMENTED = ("std", "alloc", "core", "hashbrown", "memchr")
FUNCTION = ctypes.c_uint(0xFFFFFFFF)
PIC, DEFAULT_CODE_MODEL, DEFAULT_LEVEL, OBJECT_FILE = 2, 0, 2, 1


class Llvm:
    """The few functions of LLVM's C interface that it takes."""

    def __init__(self, path):
        self.dll = ctypes.CDLL(str(path))
        for part in ("TargetInfo", "Target", "TargetMC", "AsmPrinter"):
            getattr(self.dll, f"LLVMInitializeX86{part}")()

    def call(self, name, *arguments, gives=ctypes.c_void_p):
        function = getattr(self.dll, name)
        function.restype = gives
        return function(*arguments)

    def fail(self, error):
        text = self.call("LLVMGetErrorMessage", ctypes.c_void_p(error), gives=ctypes.c_char_p)
        sys.exit(text.decode())

    def instrument(self, bitcode, sanitizer):
        """The object of a module with the sanitizer's instrumentation."""
        wanted, passes = SANITIZERS[sanitizer]
        context = ctypes.c_void_p(self.call("LLVMContextCreate"))
        buffer = self.call("LLVMCreateMemoryBufferWithMemoryRangeCopy", bitcode, ctypes.c_size_t(len(bitcode)), b"std")
        module = ctypes.c_void_p()
        if self.call("LLVMParseBitcodeInContext2", context, ctypes.c_void_p(buffer), ctypes.byref(module), gives=int):
            sys.exit("the bitcode cannot be read")
        kind = lambda name: self.call("LLVMGetEnumAttributeKindForName", name, ctypes.c_size_t(len(name)), gives=ctypes.c_uint)
        naked = kind(b"naked")
        attribute = self.call("LLVMCreateEnumAttribute", context, ctypes.c_uint(kind(wanted)), ctypes.c_uint64(0))
        function = self.call("LLVMGetFirstFunction", module)
        while function:
            at = ctypes.c_void_p(function)
            if not self.call("LLVMIsDeclaration", at, gives=int) and not self.call(
                "LLVMGetEnumAttributeAtIndex", at, FUNCTION, ctypes.c_uint(naked)
            ):
                self.call("LLVMAddAttributeAtIndex", at, FUNCTION, ctypes.c_void_p(attribute), gives=None)
            function = self.call("LLVMGetNextFunction", at)

        triple = self.call("LLVMGetTarget", module, gives=ctypes.c_char_p)
        target, message = ctypes.c_void_p(), ctypes.c_char_p()
        if self.call("LLVMGetTargetFromTriple", triple, ctypes.byref(target), ctypes.byref(message), gives=int):
            sys.exit(message.value.decode())
        machine = ctypes.c_void_p(
            self.call("LLVMCreateTargetMachine", target, triple, b"x86-64", b"", DEFAULT_LEVEL, PIC, DEFAULT_CODE_MODEL)
        )
        options = ctypes.c_void_p(self.call("LLVMCreatePassBuilderOptions"))
        error = self.call("LLVMRunPasses", module, passes, machine, options)
        if error:
            self.fail(error)
        emitted = ctypes.c_void_p()
        if self.call(
            "LLVMTargetMachineEmitToMemoryBuffer", machine, module, OBJECT_FILE, ctypes.byref(message), ctypes.byref(emitted),
            gives=int,
        ):
            sys.exit(message.value.decode())
        start = self.call("LLVMGetBufferStart", emitted)
        return ctypes.string_at(start, self.call("LLVMGetBufferSize", emitted, gives=ctypes.c_size_t))


def section(path, name):
    """What stands in a section of an object."""
    out = path.with_suffix(".section")
    subprocess.run(["objcopy", "-O", "binary", f"--only-section={name}", "--set-section-flags", f"{name}=alloc", path, out], check=True)
    return out.read_bytes()


def main():
    rustc, into, sanitizer = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    sysroot = Path(subprocess.run([rustc, "--print", "sysroot"], check=True, capture_output=True, text=True).stdout.strip())
    version = subprocess.run([rustc, "-vV"], check=True, capture_output=True, text=True).stdout
    host = next(line.split()[1] for line in version.splitlines() if line.startswith("host:"))
    libraries = Path("lib/rustlib") / host / "lib"
    stamp = into / "made-from"
    if stamp.exists() and stamp.read_text() == version:
        return
    shutil.rmtree(into, ignore_errors=True)
    (into / libraries).mkdir(parents=True)
    llvm = Llvm(next(path for path in (sysroot / "lib").glob("libLLVM.so*") if path.stat().st_size > 1 << 20))
    for path in (sysroot / libraries).iterdir():
        name = path.name.removeprefix("lib").partition("-")[0]
        if path.suffix != ".rlib" or name not in INSTRUMENTED:
            os.symlink(path, into / libraries / path.name)
            continue
        work = into / "work"
        work.mkdir()
        subprocess.run(["ar", "x", path], check=True, cwd=work)
        for member in work.glob("*.o"):
            member.write_bytes(llvm.instrument(section(member, ".llvmbc"), sanitizer))
        members = sorted(member.name for member in work.iterdir() if member.suffix in (".rmeta", ".o"))
        subprocess.run(["ar", "crs", (into / libraries / path.name).resolve(), *members], check=True, cwd=work)
        shutil.rmtree(work)
    stamp.write_text(version)


main()

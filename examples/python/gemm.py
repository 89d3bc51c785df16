#!/usr/bin/env python3
"""A matrix product from the library tuned for this machine, called from Python and checked.

    ./tune --op gemm --shape 512x512x512 --device host        # writes out/host
    python3 examples/python/gemm.py out/host                  # or ... out/host M N K

Python loads shared objects only, so the library is made into one first, by the line

    cc -shared -o libtuned_host.so -Wl,--whole-archive out/host/libtuned_host.a \\
       -Wl,--no-whole-archive -lpthread -lm

Tensors are NumPy arrays where there is NumPy, else arrays of Python's own.
"""
import array
import ctypes
import os
import subprocess
import sys
import tempfile

try:
    import numpy
except ImportError:
    numpy = None

NAME = "tuned_host"
ABI_VERSION = 2  # of the header that this was written for
c_floats = ctypes.POINTER(ctypes.c_float)


def load(folder):
    """The library in `folder` as a shared object, with the types of the functions used here."""
    archive = os.path.join(folder, "lib" + NAME + ".a")
    if not os.path.exists(archive):
        sys.exit(f"there is no '{archive}'; make one with ./tune --device host, or give its folder")
    with tempfile.TemporaryDirectory() as made:
        shared = os.path.join(made, "lib" + NAME + ".so")
        subprocess.run(["cc", "-shared", "-o", shared, "-Wl,--whole-archive", archive,
                        "-Wl,--no-whole-archive", "-lpthread", "-lm"], check=True)
        library = ctypes.CDLL(shared)  # the file is not needed once it is mapped
    library.tuned_host_error_text.restype = ctypes.c_char_p
    sizes = [ctypes.c_int64] * 3
    library.tuned_host_gemm.argtypes = sizes + [c_floats] * 3
    library.tuned_host_is_tuned_gemm.argtypes = sizes
    found = library.tuned_host_abi_version()
    if found < ABI_VERSION:
        sys.exit(f"'{archive}' is of ABI version {found}; this needs {ABI_VERSION} or later")
    return library


def numbers(count, seed):
    """`count` floats in [-1, 1), the same on every machine."""
    values = array.array("f", bytes(4 * count))
    for i in range(count):
        seed = (seed * 1664525 + 1013904223) % 2**32
        values[i] = seed / 2**31 - 1
    return values if numpy is None else numpy.array(values, dtype=numpy.float32)


def pointer(tensor, elements):
    """What a function takes: the address of `elements` floats, one after another."""
    if len(tensor) != elements:
        sys.exit(f"a tensor has {len(tensor)} elements; its sizes say {elements}")
    if numpy is not None:
        # No copy is made of what is not so: an output's would be lost.
        if tensor.dtype != numpy.float32 or not tensor.flags.c_contiguous:
            sys.exit("a tensor is not contiguous float32; give numpy.ascontiguousarray(x, 'f')")
        return tensor.ctypes.data_as(c_floats)
    return ctypes.cast((ctypes.c_float * elements).from_buffer(tensor), c_floats)


def gemm(library, m, n, k, a, b):
    """a b, all row-major; ctypes lets other Python threads run meanwhile."""
    c = numbers(m * n, 3)
    status = library.tuned_host_gemm(m, n, k, pointer(a, m * k), pointer(b, k * n),
                                     pointer(c, m * n))
    if status != 0:
        sys.exit(f"gemm {m}x{n}x{k}: {library.tuned_host_error_text(status).decode()}")
    return c


def main():
    sizes = sys.argv[2:] or ["96", "80", "64"]
    if len(sys.argv) not in (2, 5) or not all(s.isdecimal() and int(s) > 0 for s in sizes):
        sys.exit("usage: gemm.py FOLDER [M N K], such as gemm.py out/host 512 512 512")
    library = load(sys.argv[1])
    m, n, k = (int(size) for size in sizes)
    a, b = numbers(m * k, 1), numbers(k * n, 2)
    c = gemm(library, m, n, k, a, b)

    worst = 0.0
    for e in range(0, m * n, max(1, m * n // 64)):
        row, column = divmod(e, n)
        want = sum(float(a[row * k + p]) * float(b[p * n + column]) for p in range(k))
        error = abs(float(c[e]) - want)
        worst = worst if error <= worst else error  # a NaN is kept, too
    right = worst < 1e-4
    which = "tuned" if library.tuned_host_is_tuned_gemm(m, n, k) else "fall-back"
    tensors = "array" if numpy is None else "NumPy"
    print(f"gemm {m}x{n}x{k} ({which}, {tensors}): error {worst:.1e}: "
          f"{'right' if right else 'WRONG'}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())

// The Halide runtime can look GPU libraries up with dlopen. A static program cannot, and libc's
// version would tie the runner to the C library of the machine it was built on; the linker's --wrap
// sends the runtime's calls here.
extern "C" {

void* __wrap_dlopen(const char*, int) { return nullptr; }
void* __wrap_dlsym(void*, const char*) { return nullptr; }
char* __wrap_dlerror() {
  static char message[] = "dynamic loading is not available on a board";
  return message;
}
}

// A waveform whose file keeps its first error, put before the harness by sim/trace.py.
//
// Verilator takes a write that fails, as on a full disk, for fatal: it exits from within the write,
// with the waveform locked, and then waits for that lock itself, for ever. So no write fails here.
// What follows an error is dropped, and `zl_trace_error` tells it once the file is closed.

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include "verilated_vcd_c.h"

namespace {

int last_error = 0;  // errno of the file that was opened or closed last, 0 if it is whole

class File : public VerilatedVcdFile {
 public:
  bool open(const std::string& name) override {
    error_ = 0;
    handle_ = ::open(name.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
    last_error = handle_ < 0 ? errno : 0;
    return handle_ >= 0;
  }

  void close() override {
    if (::close(handle_) < 0 && error_ == 0) error_ = errno;
    last_error = error_;
  }

  ssize_t write(const char* data, ssize_t size) override {
    for (ssize_t done = 0; error_ == 0 && done < size;) {
      const ssize_t taken = ::write(handle_, data + done, size - done);
      if (taken > 0) {
        done += taken;
      } else if (taken == 0 || errno != EINTR) {
        error_ = taken == 0 ? EIO : errno;
      }
    }
    return size;
  }

 private:
  int handle_ = -1;
  int error_ = 0;
};

struct Holder {  // a base, so that the file is there before the waveform and after it
  File file;
};

class Waveform : private Holder, public VerilatedVcdC {
 public:
  Waveform() : VerilatedVcdC(&file) {}
};

}  // namespace

extern "C" int zl_trace_error() { return last_error; }

#define VerilatedVcdC Waveform  // in the harness

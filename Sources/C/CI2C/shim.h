// I2C: SMBus calls of libi2c, and the combined transfers of i2c-dev (Documentation/i2c/dev-interface.rst).
#ifndef OPENSTARRY_CI2C_H
#define OPENSTARRY_CI2C_H

#include <i2c/smbus.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <stdint.h>
#include <sys/ioctl.h>

// Wrapped because ioctl(2) is variadic. All return -1 with errno on failure.
static inline int openstarry_i2c_select(int fd, uint8_t address) {
  return ioctl(fd, I2C_SLAVE, (unsigned long)address);
}
// `timeout` is in units of 10 ms.
static inline int openstarry_i2c_limits(int fd, unsigned long timeout, unsigned long retries) {
  int first = ioctl(fd, I2C_TIMEOUT, timeout);
  int second = ioctl(fd, I2C_RETRIES, retries);
  return first < 0 ? first : second;
}
static inline int openstarry_i2c_functions(int fd, unsigned long *functions) {
  return ioctl(fd, I2C_FUNCS, functions);
}
// Writes, then reads after a repeated start. One of the two parts may be empty.
static inline int openstarry_i2c_transfer(int fd, uint8_t address, const uint8_t *out, uint16_t out_count, uint8_t *in,
                                          uint16_t in_count) {
  struct i2c_msg messages[2];
  unsigned count = 0;
  if (out_count) {
    messages[count++] = (struct i2c_msg){.addr = address, .flags = 0, .len = out_count, .buf = (uint8_t *)out};
  }
  if (in_count) {
    messages[count++] = (struct i2c_msg){.addr = address, .flags = I2C_M_RD, .len = in_count, .buf = in};
  }
  struct i2c_rdwr_ioctl_data transfer = {.msgs = messages, .nmsgs = count};
  return ioctl(fd, I2C_RDWR, &transfer);
}
#endif

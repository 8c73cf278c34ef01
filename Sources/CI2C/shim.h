// I2C: SMBus calls of libi2c, and the combined transfers of i2c-dev (Documentation/i2c/dev-interface.rst).
#include <i2c/smbus.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>

// SPDX-License-Identifier: GPL-2.0
/*
 * pwm-sim: a PWM chip in software, for tests: two channels that accept every setting and drive nothing. Their settings
 * appear in /sys/kernel/debug/pwm, as for any chip (Documentation/driver-api/pwm.rst).
 */
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/pwm.h>

static int sim_apply(struct pwm_chip *chip, struct pwm_device *pwm, const struct pwm_state *state)
{
	return 0;
}

static const struct pwm_ops sim_ops = {
	.apply = sim_apply,
	.owner = THIS_MODULE,
};

static struct platform_device *device;
static struct pwm_chip chip;

static int __init sim_init(void)
{
	int result;

	device = platform_device_register_simple("pwm-sim", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(device))
		return PTR_ERR(device);
	chip.dev = &device->dev;
	chip.ops = &sim_ops;
	chip.npwm = 2;
	result = pwmchip_add(&chip);
	if (result)
		platform_device_unregister(device);
	return result;
}

static void __exit sim_exit(void)
{
	pwmchip_remove(&chip);
	platform_device_unregister(device);
}

module_init(sim_init);
module_exit(sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("software PWM chip for tests");

// SPDX-License-Identifier: GPL-2.0
/*
 * i2c-sim: an I2C adapter in software, for tests. A full adapter (I2C_FUNC_I2C), so that combined I2C_RDWR transfers
 * work. The contents and faults of its chips are set through debugfs, not over the bus.
 *
 *   insmod i2c-sim.ko chips=0x48,0x76,0x44 mode=2,1,0
 *
 * mode 1: registers of one byte; the pointer, the first byte written, advances with every byte read (BME280, …)
 * mode 2: registers of two bytes, in wire order; the pointer stays (LM75, TMP102, INA219, …)
 * mode 0: no registers: written bytes are a command, and every read starts at byte 0 (SHT3x, AHT20, BH1750, …)
 *
 * /sys/kernel/debug/i2c-sim/<address>/
 *   regs       the contents, binary
 *   written    the last bytes written to the chip, binary
 *   fail       the number of the next transfers that fail; -1 all
 *   error      the errno they fail with: 6 ENXIO no acknowledge (default), 11 EAGAIN arbitration lost,
 *              110 ETIMEDOUT stuck
 *   garble     the number of the next reads whose first byte is inverted; -1 all
 *   delay_us   the duration of a transfer
 *   transfers  the number of transfers so far
 * /sys/kernel/debug/i2c-sim/journal
 *   the last transfers in order, one on a line: number, address, bytes written, bytes read, result
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#define MAX_CHIPS 24
#define MAX_WRITTEN 64
#define MAX_ENTRIES 512
#define MAX_ENTRY_BYTES 8

static unsigned short chips[MAX_CHIPS] = { 0x48 };
static int chip_count = 1;
module_param_array(chips, ushort, &chip_count, 0444);
static unsigned short mode[MAX_CHIPS];
static int mode_count;
module_param_array(mode, ushort, &mode_count, 0444);

struct sim_chip {
	u8 address, mode, pointer;
	u32 size, transfers, delay_us;
	s32 fail, error, garble;
	u8 regs[512];
	u8 written[MAX_WRITTEN];
	u32 written_length;
};

struct sim_entry {
	u16 address, written, read;
	s32 result;
	u8 bytes[MAX_ENTRY_BYTES];
};

static struct sim_entry journal[MAX_ENTRIES];
static u64 entries;
static struct sim_chip *sim;
static struct dentry *root;
static DEFINE_MUTEX(lock);

static struct sim_chip *find(u16 address)
{
	int i;

	for (i = 0; i < chip_count; i++)
		if (sim[i].address == address)
			return &sim[i];
	return NULL;
}

static void take_write(struct sim_chip *chip, const struct i2c_msg *msg)
{
	u32 at, i;

	chip->written_length = min_t(u32, msg->len, MAX_WRITTEN);
	memcpy(chip->written, msg->buf, chip->written_length);
	if (chip->mode == 0 || msg->len == 0)
		return;
	chip->pointer = msg->buf[0];
	at = chip->pointer * chip->mode;
	for (i = 1; i < msg->len; i++)
		chip->regs[(at + i - 1) % chip->size] = msg->buf[i];
}

static void give_read(struct sim_chip *chip, struct i2c_msg *msg)
{
	u32 at = chip->mode == 0 ? 0 : chip->pointer * chip->mode;
	u32 i;

	for (i = 0; i < msg->len; i++)
		msg->buf[i] = chip->regs[(at + i) % chip->size];
	if (chip->mode == 1)
		chip->pointer += msg->len;
	if (chip->garble && msg->len > 0) {
		if (chip->garble > 0)
			chip->garble--;
		msg->buf[0] ^= 0xff;
	}
}

static void note(const struct i2c_msg *msgs, int count, int result)
{
	struct sim_entry *entry = &journal[entries++ % MAX_ENTRIES];
	int i;

	memset(entry, 0, sizeof(*entry));
	entry->address = msgs[0].addr;
	entry->result = result;
	for (i = 0; i < count; i++) {
		if (msgs[i].flags & I2C_M_RD) {
			entry->read += msgs[i].len;
		} else if (!entry->written) {
			entry->written = msgs[i].len;
			memcpy(entry->bytes, msgs[i].buf, min_t(u16, msgs[i].len, MAX_ENTRY_BYTES));
		}
	}
}

static int sim_transfer(struct i2c_adapter *adapter, struct i2c_msg *msgs, int count)
{
	struct sim_chip *last = NULL;
	int i, result = count;

	mutex_lock(&lock);
	for (i = 0; i < count; i++) {
		struct sim_chip *chip = msgs[i].flags & I2C_M_TEN ? NULL : find(msgs[i].addr);

		if (!chip) {
			result = -ENXIO;
			break;
		}
		if (chip != last) {
			last = chip;
			chip->transfers++;
			if (chip->delay_us)
				fsleep(chip->delay_us);
			if (chip->fail) {
				if (chip->fail > 0)
					chip->fail--;
				result = -chip->error;
				break;
			}
		}
		if (msgs[i].flags & I2C_M_RD)
			give_read(chip, &msgs[i]);
		else
			take_write(chip, &msgs[i]);
	}
	note(msgs, count, result);
	mutex_unlock(&lock);
	return result;
}

static u32 sim_functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm sim_algorithm = {
	.master_xfer = sim_transfer,
	.functionality = sim_functionality,
};

static struct i2c_adapter adapter = {
	.owner = THIS_MODULE,
	.algo = &sim_algorithm,
	.name = "openstarry i2c-sim",
};

static ssize_t regs_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	struct sim_chip *chip = file->private_data;
	ssize_t result;

	mutex_lock(&lock);
	result = simple_read_from_buffer(to, count, offset, chip->regs, chip->size);
	mutex_unlock(&lock);
	return result;
}

static ssize_t regs_write(struct file *file, const char __user *from, size_t count, loff_t *offset)
{
	struct sim_chip *chip = file->private_data;
	ssize_t result;

	mutex_lock(&lock);
	result = simple_write_to_buffer(chip->regs, chip->size, offset, from, count);
	mutex_unlock(&lock);
	return result;
}

static const struct file_operations regs_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = regs_read,
	.write = regs_write,
	.llseek = default_llseek,
};

static ssize_t written_read(struct file *file, char __user *to, size_t count, loff_t *offset)
{
	struct sim_chip *chip = file->private_data;
	ssize_t result;

	mutex_lock(&lock);
	result = simple_read_from_buffer(to, count, offset, chip->written, chip->written_length);
	mutex_unlock(&lock);
	return result;
}

static const struct file_operations written_operations = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = written_read,
	.llseek = default_llseek,
};

static int journal_show(struct seq_file *file, void *unused)
{
	u64 number;

	mutex_lock(&lock);
	for (number = entries > MAX_ENTRIES ? entries - MAX_ENTRIES : 0; number < entries; number++) {
		const struct sim_entry *entry = &journal[number % MAX_ENTRIES];

		seq_printf(file, "%llu %02x w%u %*ph r%u = %d\n", number + 1, entry->address, entry->written,
			   min_t(int, entry->written, MAX_ENTRY_BYTES), entry->bytes, entry->read, entry->result);
	}
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(journal);

static int number_get(void *data, u64 *value)
{
	*value = *(s32 *)data;
	return 0;
}

static int number_set(void *data, u64 value)
{
	*(s32 *)data = (s32)value;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE_SIGNED(number_operations, number_get, number_set, "%lld\n");

static int __init sim_init(void)
{
	int i, result;

	sim = kcalloc(chip_count, sizeof(*sim), GFP_KERNEL);
	if (!sim)
		return -ENOMEM;
	root = debugfs_create_dir("i2c-sim", NULL);
	debugfs_create_file("journal", 0400, root, NULL, &journal_fops);
	for (i = 0; i < chip_count; i++) {
		struct sim_chip *chip = &sim[i];
		struct dentry *folder;
		char name[8];

		chip->address = chips[i];
		chip->mode = i < mode_count ? mode[i] : 1;
		chip->size = chip->mode == 2 ? 512 : 256;
		chip->error = ENXIO;
		snprintf(name, sizeof(name), "%02x", chip->address);
		folder = debugfs_create_dir(name, root);
		debugfs_create_file("regs", 0600, folder, chip, &regs_operations);
		debugfs_create_file("written", 0400, folder, chip, &written_operations);
		debugfs_create_file_unsafe("fail", 0600, folder, &chip->fail, &number_operations);
		debugfs_create_file_unsafe("error", 0600, folder, &chip->error, &number_operations);
		debugfs_create_file_unsafe("garble", 0600, folder, &chip->garble, &number_operations);
		debugfs_create_u32("delay_us", 0600, folder, &chip->delay_us);
		debugfs_create_u32("transfers", 0400, folder, &chip->transfers);
	}
	result = i2c_add_adapter(&adapter);
	if (result) {
		debugfs_remove_recursive(root);
		kfree(sim);
	}
	return result;
}

static void __exit sim_exit(void)
{
	i2c_del_adapter(&adapter);
	debugfs_remove_recursive(root);
	kfree(sim);
}

module_init(sim_init);
module_exit(sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("software I2C adapter for tests");

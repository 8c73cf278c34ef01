import Doctor
import Glibc
import Linux
import Model
import Testing

/// Supply, temperature, clock, disk and devices.
@Suite struct BoardCheckTests {
  private static let throttled = "sys/devices/platform/soc/soc:firmware/get_throttled"

  @Test(arguments: [
    ("0\n", Finding.Level.ok, "never too low"), ("1\n", .problem, "voltage is too low now"),
    ("50000\n", .problem, "was too low since the boot"), ("4\n", .problem, "slowed down now"),
    ("40000\n", .note, "was slowed down since the boot"), ("0x50005\n", .problem, "slowed down now"),
  ]) func theFirmwareReportsTheSupply(text: String, level: Finding.Level, words: String) throws {
    let patient = try Patient([Self.throttled: text])
    #expect(patient.has(.board, level, words), "\(patient.findings)")
  }

  @Test func theKernelReportsTheSupply() throws {
    let low = try Patient([
      "sys/class/hwmon/hwmon1/name": "rpi_volt\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n",
    ])
    #expect(low.has(.board, .problem, "voltage is too low", remedy: "supply and a cable"))
    let other = try Patient(["sys/class/hwmon/hwmon1/name": "cpu\n", "sys/class/hwmon/hwmon1/in0_lcrit_alarm": "1\n"])
    #expect(!other.has(.board, .problem, ""))
  }

  @Test func itIsHot() throws {
    #expect(try Patient().has(.board, .ok, "cpu-thermal: 48.3 °C"))
    let hot = try Patient(["sys/class/thermal/thermal_zone0/temp": "81200\n"])
    #expect(hot.has(.board, .problem, "cpu-thermal: 81.2 °C, which is too hot", remedy: "cool"))
  }

  @Test func theClockIsNotSynchronised() throws {
    var patient = try Patient()
    patient.facts.daemon = .success(Patient.answers(status: ["clock": ["synchronised": false, "trusted": false]]))
    #expect(patient.has(.board, .note, "rules with 'cron' may not fire", remedy: "timedatectl"))
    patient.facts.daemon = .failure(Facts.Failure("none"))
    #expect(patient.has(.board, .ok, "the clock is synchronised"))
    patient.facts.isClockSynchronised = false
    #expect(patient.has(.board, .note, "the clock is not synchronised"))
  }

  private func disk(_ change: (inout DiskSpace) -> Void) throws -> Patient {
    var patient = try Patient()
    var disk = DiskSpace(
      path: "/var/lib/openstarry", free: 20 << 30, total: 30 << 30, freeFiles: 900_000, files: 1_000_000)
    change(&disk)
    patient.facts.disk = disk
    return patient
  }

  @Test func theDisk() throws {
    #expect(try disk { _ in }.has(.storage, .ok, "20 GiB of 30 GiB left"))
    #expect(try disk { $0.free = 3 << 20 }.has(.storage, .problem, "has only 3 MiB left", remedy: "make room"))
    #expect(try disk { $0.free = 1 << 30 }.has(.storage, .note, "is almost full"))
    #expect(try disk { $0.freeFiles = 12 }.has(.storage, .problem, "only 12 more files", remedy: "du --inodes"))
    #expect(try disk { ($0.files, $0.freeFiles) = (0, 0) }.has(.storage, .ok, "left"))
    #expect(try disk { $0.isReadOnly = true }.has(.storage, .problem, "read-only", remedy: "dmesg"))
    #expect(try disk { $0.isInMemory = true }.has(.storage, .note, "lost at the next boot"))
  }

  @Test func theDiskOfThisMachine() throws {
    let disk = try #require(DiskSpace(of: "/"))
    #expect(disk.total > 0 && disk.free <= disk.total)
    #expect(DiskSpace(of: "/no/such/folder") == nil)
  }

  // MARK: Devices

  @Test func chipsBusesAndCamerasHaveNames() throws {
    let patient = try Patient([
      "dev/gpiochip0": "", "dev/gpiochip10": "", "dev/gpiochip2": "", "dev/i2c-1": "", "dev/video0": "",
      "sys/devices/gpio0/gpiochip0/dev": "", "sys/devices/gpio0/gpio/gpiochip512/label": "pinctrl-bcm2711\n",
      "sys/class/i2c-dev/i2c-1/name": "bcm2835 (i2c@7e804000)\n", "sys/class/video4linux/video0/name": "unicam\n",
    ])
    try patient.link("sys/bus/gpio/devices/gpiochip0", to: "../../../devices/gpio0/gpiochip0")
    #expect(
      patient.has(.devices, .ok, "GPIO: gpiochip0 'pinctrl-bcm2711', gpiochip2, gpiochip10"), "\(patient.findings)")
    #expect(patient.has(.devices, .ok, "I²C: i2c-1 'bcm2835 (i2c@7e804000)'"))
    #expect(patient.has(.devices, .ok, "video: video0 'unicam'"))
  }

  @Test func aPiWithoutABus() throws {
    let patient = try Patient(["proc/device-tree/model": "Raspberry Pi 5 Model B\0"])
    #expect(patient.has(.devices, .note, "no I²C bus is on", remedy: "raspi-config"))
    #expect(try !Patient().has(.devices, .note, "no I²C bus"))
  }

  @Test func devicesThatCannotBeReached() throws {
    var patient = try Patient()
    patient.facts.daemon = .success(
      Patient.answers(devices: [
        ["device": "fan", "state": "gone", "fault": "no chip with label 'pinctrl-bcm2711'"],
        ["device": "air", "state": "not measured: no answer", "fault": "no answer at 0x76"],
        ["device": "door", "state": "active", "fault": .null],
      ]))
    #expect(patient.has(.devices, .problem, "'fan' is gone: no chip with label 'pinctrl-bcm2711'"))
    #expect(patient.has(.devices, .problem, "'air' does not work: no answer at 0x76"))
    #expect(!patient.has(.devices, .problem, "'door'"))
  }

  @Test func theDaemonMayNotUseABus() throws {
    let files = [
      "dev/i2c-1": "", "dev/gpiochip0": "", "etc/passwd": "openstarry:x:991:991::/:/bin/false\n",
      "etc/group": "i2c:x:\(getgid()):\n",
      "proc/77/status": "Name:\topenstarryd\nUid:\t991\t991\t991\t991\nGid:\t991\t991\t991\t991\nGroups:\t44 46\n",
    ]
    var patient = try Patient(files)
    patient.setMode("dev/i2c-1", 0o660)
    patient.setMode("dev/gpiochip0", 0o666)
    patient.facts.daemon = .success(Patient.answers(status: ["pid": 77]))
    // As root the file's group is root's, which nobody should join.
    let remedy = getgid() == 0 ? "udev rules" : "sudo usermod -aG i2c openstarry"
    #expect(
      patient.has(.devices, .problem, "the daemon's user 'openstarry' may not use /dev/i2c-1", remedy: remedy),
      "\(patient.complaints)")
    #expect(!patient.has(.devices, .problem, "gpiochip0"))
    patient.facts.daemon = .success(Patient.answers(status: ["pid": 77, "backend": "simulated"]))
    #expect(!patient.has(.devices, .problem, "i2c"))
  }
}

import ChipKit
import EventLoop
import HAL
import Linux
import Model
import Testing

@testable import HALLinux

@Suite struct KernelTests {
  private func read(_ attribute: some KernelAttribute, _ files: [String: String]) throws -> Measurement {
    let tree = try FixtureTree(files)
    return try attribute.read(KernelTree(root: tree.root))
  }

  private static let hwmon = [
    "/sys/class/hwmon/hwmon0/name": "acpitz\n", "/sys/class/hwmon/hwmon0/temp1_input": "1000\n",
    "/sys/class/hwmon/hwmon2/name": "coretemp\n", "/sys/class/hwmon/hwmon2/temp1_input": "-5250\n",
    "/sys/class/hwmon/hwmon10/name": "coretemp\n",
    "/sys/class/hwmon/hwmon10/temp7_input": "71000\n", "/sys/class/hwmon/hwmon10/temp7_fault": "1\n",
    "/sys/class/hwmon/hwmon3/name": "ina219\n", "/sys/class/hwmon/hwmon3/in1_input": "11980\n",
    "/sys/class/hwmon/hwmon3/curr1_input": "-1500\n", "/sys/class/hwmon/hwmon3/power1_input": "17970000\n",
    "/sys/class/hwmon/hwmon3/fan1_input": "1200\n", "/sys/class/hwmon/hwmon3/label": "text\n",
    "/sys/class/hwmon/hwmon4/device/name": "w83781d\n", "/sys/class/hwmon/hwmon4/device/fan2_input": "2400\n",
  ]

  @Test(arguments: [
    ("coretemp", "temp1_input", -5.25, "°C", Reading.Quality.good), ("coretemp", "temp7_input", 71, "°C", .suspect),
    ("ina219", "in1_input", 11.98, "V", .good), ("ina219", "curr1_input", -1.5, "A", .good),
    ("ina219", "power1_input", 17.97, "W", .good), ("ina219", "fan1_input", 1200, "rpm", .good),
    ("w83781d", "fan2_input", 2400, "rpm", .good),
  ])
  func hwmon(_ chip: String, _ attribute: String, _ value: Double, _ unit: String, _ quality: Reading.Quality) throws {
    let sensor = HardwareMonitor(chip: chip, attribute: attribute)
    #expect(try read(sensor, Self.hwmon) == Measurement(value, quality: quality))
    #expect(sensor.unit == unit)
  }

  @Test func anAbsentDeviceIsNamedWithThePresentOnes() {
    let chips = "there are acpitz, coretemp, ina219, w83781d"
    #expect(throws: HALError.Fault.absent("no hwmon chips called 'none' with 'temp1_input': \(chips)")) {
      try read(HardwareMonitor(chip: "none", attribute: "temp1_input"), Self.hwmon)
    }
    #expect(throws: HALError.Fault.absent("no hwmon chips called 'ina219' with 'in9': \(chips)")) {
      try read(HardwareMonitor(chip: "ina219", attribute: "in9"), Self.hwmon)
    }
    #expect(throws: HALError.Fault.absent("no thermal zone: there are none")) { try read(ThermalZone(zone: nil), [:]) }
    #expect(throws: HALError.Fault.absent("no thermal zone 'gpu': there are thermal_zone0 (cpu-thermal)")) {
      try read(ThermalZone(zone: "gpu"), ["/sys/class/thermal/thermal_zone0/type": "cpu-thermal\n"])
    }
    #expect(throws: HALError.Fault.absent("no IIO devices called 'x' with 'in_temp': there are none")) {
      try read(IndustrialIO(device: "x", channel: "in_temp"), [:])
    }
  }

  /// Three DS18B20 on one wire have the same name in the kernel.
  private func probes() throws -> (FixtureTree, KernelTree) {
    let tree = try FixtureTree()
    for (index, id) in ["28-0316a1b2c3d4", "28-0316a1b2c3d5", "28-0316a1b2c3d6"].enumerated() {
      let folder = "/sys/devices/w1_bus_master1/\(id)/hwmon/hwmon\(index)"
      try tree.write("\(folder)/name", "w1_slave_temp\n")
      try tree.write("\(folder)/temp1_input", "\(20 + index)000\n")
      try tree.link("/sys/class/hwmon/hwmon\(index)", to: folder)
    }
    return (tree, KernelTree(root: tree.root))
  }

  @Test func identicalChipsMustBeToldApart() throws {
    let (tree, kernel) = try probes()
    func read(_ choice: DeviceChoice) throws -> Double {
      try HardwareMonitor(chip: "w1_slave_temp", attribute: "temp1_input", choice: choice).read(kernel).value
    }
    #expect(try read(DeviceChoice(serial: "28-0316a1b2c3d5")) == 21)
    #expect(try read(DeviceChoice(path: "28-0316a1b2c3d6")) == 22)
    #expect(try read(DeviceChoice(path: "/sys/devices/w1_bus_master1/28-0316a1b2c3d4")) == 20)
    for choice in [DeviceChoice(), DeviceChoice(path: "w1_bus_master1")] {
      #expect(
        throws: HALError.Fault.ambiguous(
          "3 hwmon chips called 'w1_slave_temp' fit: w1_bus_master1/28-0316a1b2c3d4, w1_bus_master1/28-0316a1b2c3d5, "
            + "w1_bus_master1/28-0316a1b2c3d6; add 'path' or 'serial' to say which")
      ) { try read(choice) }
    }
    // A part of a folder's name does not match.
    for choice in [DeviceChoice(path: "28-0316"), DeviceChoice(serial: "28"), DeviceChoice(path: "hwmon1")] {
      let error = #expect(throws: HALError.Fault.self) { try read(choice) }
      #expect("\(try #require(error))".contains("there are w1_bus_master1/28-0316a1b2c3d4, "))
    }
    _ = tree
  }

  @Test func aDeviceIsFoundByTheSerialNumberOfItsParent() throws {
    let tree = try FixtureTree()
    for (index, serial) in ["A100", "B200"].enumerated() {
      let device = "/sys/devices/pci0000:00/usb1/1-\(index)"
      try tree.write("\(device)/serial", "\(serial)\n")
      try tree.write("\(device)/1-\(index):1.0/iio:device\(index)/name", "adc\n")
      try tree.write("\(device)/1-\(index):1.0/iio:device\(index)/in_voltage0_raw", "\(index + 1)000\n")
      try tree.link("/sys/bus/iio/devices/iio:device\(index)", to: "\(device)/1-\(index):1.0/iio:device\(index)")
    }
    let kernel = KernelTree(root: tree.root)
    func read(_ choice: DeviceChoice) throws -> Double {
      try IndustrialIO(device: "adc", channel: "in_voltage0", choice: choice).read(kernel).value
    }
    #expect(try read(DeviceChoice(serial: "B200")) == 2)
    #expect(try read(DeviceChoice(path: "1-0")) == 1)
    #expect(throws: HALError.Fault.self) { try read(DeviceChoice()) }
    let error = #expect(throws: HALError.Fault.self) { try read(DeviceChoice(path: "1-0", serial: "B200")) }
    #expect(
      "\(try #require(error))".hasPrefix(
        "no IIO devices called 'adc' with 'in_voltage0' at '1-0' with the serial 'B200': "))
  }

  @Test func zonesOfOneTypeMustBeToldApart() {
    let files = [
      "/sys/class/thermal/thermal_zone0/type": "cpu\n", "/sys/class/thermal/thermal_zone0/temp": "40000\n",
      "/sys/class/thermal/thermal_zone1/type": "cpu\n", "/sys/class/thermal/thermal_zone1/temp": "50000\n",
    ]
    #expect(
      throws: HALError.Fault.ambiguous(
        "2 thermal zones are of the type 'cpu': name one of thermal_zone0, thermal_zone1 instead")
    ) { try read(ThermalZone(zone: "cpu"), files) }
  }

  @Test func textIsNotANumber() {
    #expect(throws: HALError.Fault.protocolViolation("/sys/class/hwmon/hwmon3/label holds 'text', not a number")) {
      try read(HardwareMonitor(chip: "ina219", attribute: "label"), Self.hwmon)
    }
  }

  private static let iio = [
    "/sys/bus/iio/devices/iio:device0/name": "bme280\n",
    "/sys/bus/iio/devices/iio:device0/in_temp_input": "25080\n",
    "/sys/bus/iio/devices/iio:device0/in_pressure_input": "100.653267\n",
    "/sys/bus/iio/devices/iio:device0/in_humidityrelative_input": "48250\n",
    "/sys/bus/iio/devices/iio:device1/name": "ads1015\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage0_raw": "1000\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage0_scale": "3\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage1_raw": "-1000\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage_scale": "0.5\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage_offset": "10\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage0-voltage1_raw": "40\n",
    "/sys/bus/iio/devices/iio:device1/in_voltage-voltage_scale": "25\n",
    "/sys/bus/iio/devices/iio:device2/name": "mpu6050\n",
    "/sys/bus/iio/devices/iio:device2/in_accel_x_raw": "16384\n",
    "/sys/bus/iio/devices/iio:device2/in_accel_scale": "0.000598\n",
    "/sys/bus/iio/devices/iio:device2/in_illuminance_raw": "7\n",
  ]

  @Test(arguments: [
    ("bme280", "in_temp", 25.08, "°C"), ("bme280", "in_pressure_input", 1006.53267, "hPa"),
    ("bme280", "in_humidityrelative", 48.25, "%"), ("ads1015", "in_voltage0", 3.03, "V"),
    ("ads1015", "in_voltage1_raw", -0.495, "V"), ("ads1015", "in_voltage0-voltage1", 1, "V"),
    ("mpu6050", "in_accel_x", 9.797632, "m/s²"), ("mpu6050", "in_illuminance", 7, "lx"),
  ])
  func iio(_ device: String, _ channel: String, _ value: Double, _ unit: String) throws {
    let sensor = IndustrialIO(device: device, channel: channel)
    #expect(near(try read(sensor, Self.iio).value, value))
    #expect(sensor.unit == unit)
  }

  @Test(arguments: [(nil, 40.5), ("cpu-thermal", 51.25), ("thermal_zone10", 60), ("gpu", -1)] as [(String?, Double)])
  func thermalZones(_ zone: String?, _ value: Double) throws {
    let files = [
      "/sys/class/thermal/thermal_zone0/type": "acpitz\n", "/sys/class/thermal/thermal_zone0/temp": "40500\n",
      "/sys/class/thermal/thermal_zone2/type": "cpu-thermal\n", "/sys/class/thermal/thermal_zone2/temp": "51250\n",
      "/sys/class/thermal/thermal_zone10/type": "x\n", "/sys/class/thermal/thermal_zone10/temp": "60000\n",
      "/sys/class/thermal/thermal_zone11/type": "gpu\n", "/sys/class/thermal/thermal_zone11/temp": "-1000\n",
      "/sys/class/thermal/cooling_device0/type": "Fan\n",
    ]
    #expect(try read(ThermalZone(zone: zone), files) == Measurement(value))
  }

  @Test func attributesAreReadOnTheirWorker() throws {
    let tree = try FixtureTree(Self.hwmon)
    let loop = try EventLoop()
    let kernel = KernelTree(root: tree.root)
    let worker = Worker("sysfs", on: loop) { kernel }
    let sensor = AttributeSensor(HardwareMonitor(chip: "ina219", attribute: "in1_input"), on: worker)
    var answer: Result<Measurement, HALError.Fault>?
    sensor.measure { answer = $0 }
    #expect(answer == nil)
    loop.turn { answer != nil }
    #expect(answer == .success(Measurement(11.98)))
  }

  // MARK: procfs

  private func measure(_ quantity: String, root: String = "") throws -> Result<Measurement, HALError.Fault> {
    let sensor = try #require(ProcSensor(quantity: quantity, root: root))
    var answer: Result<Measurement, HALError.Fault>?
    sensor.measure { answer = $0 }
    return try #require(answer, "procfs answers at once")
  }

  @Test(arguments: [
    ("load1", 0.52), ("load5", 1.25), ("load15", 12), ("memory_free", 2048), ("cpu_pressure", 1.5),
    ("memory_pressure", 0), ("io_pressure", 99.75), ("uptime", 350735.47),
  ])
  func procfs(_ quantity: String, _ value: Double) throws {
    let tree = try FixtureTree([
      "/proc/loadavg": "0.52 1.25 12.00 2/345 6789\n", "/proc/uptime": "350735.47 234388.90\n",
      "/proc/meminfo": "MemTotal:        8000000 kB\nMemFree:          100 kB\nMemAvailable:    2097152 kB\n",
      "/proc/pressure/cpu": "some avg10=1.50 avg60=1.35 avg300=0.61 total=1\nfull avg10=9.00 avg60=0.00\n",
      "/proc/pressure/memory": "some avg10=0.00 avg60=1.35 avg300=0.61 total=1\n",
      "/proc/pressure/io": "some avg10=99.75 avg60=1.35 avg300=0.61 total=1\n",
    ])
    #expect(try measure(quantity, root: tree.root) == .success(Measurement(value)))
  }

  @Test(arguments: ["load1", "load15", "memory_free", "uptime", "cpu_pressure"])
  func thisMachine(_ quantity: String) throws {
    if quantity == "cpu_pressure", !Files.isFile("/proc/pressure/cpu") {
      // A kernel without PSI has no such file.
      #expect(try measure(quantity) == .failure(.gone))
      return
    }
    let value = try measure(quantity).get().value
    #expect(value.isFinite && value >= 0)
    if quantity == "uptime" { #expect(value > 1) }
    if quantity == "memory_free" { #expect(value > 1) }
  }

  @Test(arguments: ["", "MemAvailable: x kB\n", "MemTotal: 5 kB\n"])
  func brokenFilesAreFaults(_ text: String) throws {
    let tree = try FixtureTree(["/proc/meminfo": text, "/proc/loadavg": text])
    for quantity in ["memory_free", "load15"] {
      guard case .failure(.protocolViolation) = try measure(quantity, root: tree.root) else {
        Issue.record("'\(text)' was taken for a \(quantity)")
        continue
      }
    }
    #expect(try measure("uptime", root: tree.root) == .failure(.gone))
    #expect(ProcSensor(quantity: "load2") == nil)
  }
}

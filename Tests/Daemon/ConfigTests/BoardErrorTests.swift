import Chips
import Config
import Testing

/// Exact messages: people read them, so they belong to the file format.
@Suite struct BoardErrorTests {
  @Test func everythingIsSaidAtOnce() {
    let text = """
      nam: bench
      backend: linx
      chips:
        main: {lable: x}
        side: 7
      buses:
        one: {}
        two: {path: /dev/i2c-1, adapter: x}
        three: i2c-1
      devices:
        "9 lives": {kind: sensor, driver: tmp102, bus: onne}
        t: {kind: sensr, driver: tmp102}
        u: {kind: sensor, driver: bme28, bus: one}
        v: {driver: gpio}
        w: on
      """
    #expect(
      complaints(.board, text) == #"""
        f:1:1: the board has no 'name', expected text
        f:1:1: the board has an unknown key 'nam' (did you mean 'name'?)
        f:2:10: 'backend' is 'linx', expected linux or simulated (did you mean 'linux'?)
        f:4:9: chip 'main' has no 'label', expected text: the label that gpiodetect shows, such as pinctrl-bcm2711
        f:4:10: chip 'main' has an unknown key 'lable' (did you mean 'label'?)
        f:5:9: chip 'side' is 7, expected text: the label that gpiodetect shows, such as pinctrl-bcm2711; put \#
        it in quotes
        f:7:8: bus 'one' has neither 'path' nor 'adapter', expected one of them
        f:8:36: bus 'two' has both 'path' and 'adapter', expected one of them
        f:9:10: bus 'three' is 'i2c-1', expected a device node such as /dev/i2c-1
        f:11:3: the device id is '9 lives', expected 1 to 64 letters, digits, '.', '_' or '-', beginning with \#
        a letter or digit
        f:11:50: 'bus' is 'onne', expected a bus of this board: one, three or two (did you mean 'one'?)
        f:12:13: 'kind' is 'sensr', expected sensor, input, actuator or camera (did you mean 'sensor'?)
        f:13:29: 'driver' is 'bme28', expected a sensor driver of the linux backend (did you mean 'bme280'?)
        f:14:6: device 'v' has no 'kind', expected sensor, input, actuator or camera
        f:15:6: device 'w' is 'on', expected a map
        """#)
  }

  @Test func driversAndKinds() {
    let sensors = DriverCatalogue.all.filter { $0.kind == "sensor" && $0.backends.contains(.linux) }.map(\.name)
    #expect(
      complaints(
        .board,
        """
        name: bench
        chips: {main: x}
        devices:
          a: {kind: sensor, driver: v4l2, path: /dev/video0}
          b: {kind: camera, driver: simulated}
          c: {kind: sensor, driver: procfs, quantity: lod1}
          d: {kind: input, driver: gpio, chip: main, line: 17, address: 3, deadband: 1, debonce: 1s}
          e: {kind: actuator}
          f: {kind: actuator, driver: gpio, chip: mian, line: GPIO5, lins: 3}
        """) == #"""
          f:4:29: driver 'v4l2' makes a camera, expected a sensor driver of the linux backend: \#
          \#(sensors.dropLast().joined(separator: ", ")) or \#(sensors.last ?? "")
          f:5:29: driver 'simulated' needs backend simulated, but this board's is linux
          f:6:47: 'quantity' is 'lod1', expected load1, load5, load15, memory_free, cpu_pressure, \#
          memory_pressure, io_pressure or uptime (did you mean 'load1'?)
          f:7:52: 'line' is 17, expected text; put it in quotes
          f:7:56: driver 'gpio' takes no 'address', expected chip, line, active_low or bias
          f:7:68: 'deadband' is a setting of sensors, but this is an input
          f:7:81: input 'd' has an unknown key 'debonce' (did you mean 'debounce'?)
          f:8:6: actuator 'e' has no 'driver', expected an actuator driver of the linux backend: gpio, pwm or pca9685
          f:9:43: 'chip' is 'mian', expected a chip of this board: main (did you mean 'main'?)
          f:9:62: actuator 'f' has an unknown key 'lins' (did you mean 'line'?)
          """#)
  }

  @Test func approvals() {
    #expect(
      complaints(
        .board,
        """
        name: bench
        backend: simulated
        devices:
          key: {kind: input}
          a: {kind: actuator, approval: required, approval_time: 5m, approve_with: key}
          b: {kind: actuator, approval: {above: 50%}}
          c: {kind: actuator, approval: {if: "level > 0.5"}}
          d: {kind: actuator, approval: always}
          e: {kind: actuator, approval: {above: 200%}}
          f: {kind: actuator, approval: {above: 50%, if: "level > 0.5"}}
          g: {kind: actuator, approval: {}}
          h: {kind: actuator, approval_time: 5m}
          i: {kind: actuator, approval: required, approve_with: keys}
          j: {kind: actuator, approval: {over: 50%}}
          k: {kind: actuator, safe: on, approval: {above: 50%}}
        """) == #"""
          f:8:33: 'approval' is 'always', expected required, {above: 50%} or {if: "level > 0.5"}
          f:9:41: 'above' is '200%', expected on, off or a level such as 0.4 or 40%
          f:10:50: 'approval' has both 'above' and 'if', expected one of them: a condition knows 'level', too
          f:11:33: 'approval' is an empty map, expected required, {above: 50%} or {if: "level > 0.5"}
          f:12:38: 'approval_time' needs 'approval', expected for instance approval: required beside it
          f:13:57: 'approve_with' is 'keys', expected an input: key (did you mean 'key'?)
          f:14:34: 'approval' has an unknown key 'over', expected above or if
          f:15:43: 'approval' is above 50%, and 'safe' on: expected a condition such as {if: "level < 0.5"}, because lower levels are farther from the safe state
          """#)
  }

  @Test func valuesOfSettings() {
    #expect(
      complaints(
        .board,
        """
        name: bench
        chips: {main: x}
        buses: {i2c: /dev/i2c-1}
        devices:
          t:
            kind: sensor
            driver: tmp102
            bus: i2c
            address: 0x90
            every: 10
            deadband: -1
            scale: 0
            unit: 7
          f:
            kind: actuator
            driver: gpio
            chip: main
            line: GPIO1
            safe: 0.5
            on_exit: hld
            max_on: soon
            max_rate: 5
            exclusive_with: [f, t, g, pmp]
            active_low: yes
          pump: {kind: actuator, driver: pwm, pwmchip: pwmchip0, safe: 2}
          c:
            kind: camera
            driver: v4l2
            path: /dev/video0
            size: 640
            format: jpeg
            rate: 0
            motion: {treshold: 2}
        """) == #"""
          f:9:14: 'address' is 144, expected an address from 0x03 to 0x77
          f:10:12: 'every' is 10, expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
          f:11:15: 'deadband' is -1, expected a number of at least 0
          f:12:12: 'scale' is 0, expected a number other than 0
          f:13:11: 'unit' is 7, expected text; put it in quotes
          f:19:11: 'safe' is 0.5, expected on or off: it has no levels
          f:20:14: 'on_exit' is 'hld', expected safe, keep-driving, hold or input (did you mean 'hold'?)
          f:21:13: 'max_on' is 'soon', expected a duration such as 500ms, 10s or 1m30s (at least 1ms)
          f:22:15: 'max_rate' is 5, expected a rate such as 20/s or 10k/h
          f:23:22: an entry of 'exclusive_with' is 'f', expected another actuator: pump
          f:23:25: an entry of 'exclusive_with' is 't', expected another actuator: pump
          f:23:28: an entry of 'exclusive_with' is 'g', expected another actuator: pump
          f:23:31: an entry of 'exclusive_with' is 'pmp', expected another actuator: pump (did you mean 'pump'?)
          f:24:17: 'active_low' is 'yes', expected true or false
          f:25:64: 'safe' is 2, expected on, off or a level such as 0.4 or 40%
          f:30:11: 'size' is 640, expected a size such as 640x480, each side from 16 to 8192
          f:31:13: 'format' is 'jpeg', expected mjpeg, yuyv, nv12, rgb24 or grey (did you mean 'mjpeg'?)
          f:32:11: 'rate' is 0, expected a number from 0.1 to 240
          f:33:14: 'motion' has an unknown key 'treshold' (did you mean 'threshold'?)
          """#)
  }

  @Test func oneOwnerForEachPieceOfHardware() {
    #expect(
      complaints(
        .board,
        """
        name: bench
        chips: {main: x, alias: x}
        buses: {one: /dev/i2c-1, same: /dev/i2c-1}
        devices:
          door: {kind: input, driver: gpio, chip: main, line: GPIO4}
          fan: {kind: actuator, driver: gpio, chip: alias, line: GPIO4}
          a: {kind: sensor, driver: bme280, bus: one, quantity: humidity}
          b: {kind: sensor, driver: bme280, bus: same, quantity: humidity}
          c: {kind: sensor, driver: bmp280, bus: one}
          d: {kind: sensor, driver: ds3231, bus: one}
          e: {kind: sensor, driver: mpu6050, bus: one}
          p: {kind: actuator, driver: pca9685, bus: one, channel: 1}
          q: {kind: actuator, driver: pca9685, bus: one, channel: 2, frequency: 50}
          r: {kind: actuator, driver: pca9685, bus: one, channel: 1}
          v: {kind: actuator, driver: pwm, pwmchip: pwmchip0}
          w: {kind: actuator, driver: pwm, pwmchip: pwmchip0, channel: 0}
          x: {kind: camera, driver: v4l2, path: /dev/video0}
          y: {kind: camera, driver: v4l2, path: /dev/video0}
          z: {kind: sensor, driver: register, bus: one, register: 1}
        """) == #"""
          f:6:3: device 'fan' uses line 'GPIO4' of chip 'x', which device 'door' has (f:5:3)
          f:8:3: device 'b' uses quantity humidity of address 0x76 of bus '/dev/i2c-1', which device 'a' has (f:7:3)
          f:9:3: device 'c' declares a bmp280 at address 0x76 of bus '/dev/i2c-1', but device 'a' declares \#
          a bme280 (f:7:3)
          f:11:3: device 'e' declares a mpu6050 at address 0x68 of bus '/dev/i2c-1', but device 'd' declares \#
          a ds3231 (f:10:3)
          f:13:3: device 'q' sets another 'frequency' than 'p' (f:12:3), but all channels of a pca9685 share one
          f:14:3: device 'r' uses channel 1 of address 0x40 of bus '/dev/i2c-1', which device 'p' has (f:12:3)
          f:16:3: device 'w' uses channel 0 of 'pwmchip0', which device 'v' has (f:15:3)
          f:18:3: device 'y' uses '/dev/video0', which device 'x' has (f:17:3)
          f:19:6: sensor 'z' has no 'address', expected an address from 0x03 to 0x77
          """#)
  }

  @Test func identicalChipsMustBeToldApart() {
    #expect(
      complaints(
        .board,
        """
        name: bench
        chips: {one: {label: x, path: 1-0020}, two: {label: x, path: 1-0021}, same: {label: x, path: 1-0021}}
        buses: {one: /dev/i2c-1, same: /dev//./i2c-1}
        devices:
          a: {kind: sensor, driver: hwmon, chip_name: w1_slave_temp, attribute: temp1_input}
          b: {kind: sensor, driver: hwmon, chip_name: w1_slave_temp, attribute: temp1_input}
          c: {kind: sensor, driver: hwmon, chip_name: w1_slave_temp, attribute: temp1_input, serial: 28-01}
          d: {kind: sensor, driver: hwmon, chip_name: w1_slave_temp, attribute: temp1_input, serial: 28-01}
          e: {kind: sensor, driver: hwmon, chip_name: lm75, attribute: temp1_input}
          f: {kind: sensor, driver: iio, device_name: adc, channel: in_voltage0, path: 1-0048}
          g: {kind: sensor, driver: iio, device_name: adc, channel: in_voltage0_raw, path: /sys/devices/1-0048}
          h: {kind: sensor, driver: iio, device_name: adc, channel: in_voltage0, path: 1-0049}
          i: {kind: input, driver: gpio, chip: one, line: "7"}
          j: {kind: input, driver: gpio, chip: two, line: "7"}
          k: {kind: input, driver: gpio, chip: same, line: "07"}
          l: {kind: sensor, driver: tmp102, bus: one}
          m: {kind: sensor, driver: tmp102, bus: same}
        """) == #"""
          f:5:3: device 'a' reads 'temp1_input' of a hwmon chip called 'w1_slave_temp', and so does device 'b' \#
          (f:6:3): add 'path' or 'serial' to both to identify their chips
          f:6:3: device 'b' reads 'temp1_input' of a hwmon chip called 'w1_slave_temp', and so does device 'a' \#
          (f:5:3): add 'path' or 'serial' to both to identify their chips
          f:8:3: device 'd' uses 'temp1_input' of a hwmon chip called 'w1_slave_temp' (serial 28-01), which device \#
          'c' has (f:7:3)
          f:11:3: device 'g' uses 'in_voltage0' of an IIO device called 'adc' (path 1-0048), which device 'f' has \#
          (f:10:3)
          f:15:3: device 'k' uses line '7' of chip 'x' at '1-0021', which device 'j' has (f:14:3)
          f:17:3: device 'm' uses address 0x48 of bus '/dev/i2c-1', which device 'l' has (f:16:3)
          """#)
  }

  @Test func filesThatAreNoBoards() {
    #expect(
      complaints(.board, "") == #"""
        f:1:1: the text is empty; expected a YAML document
        """#)
    #expect(
      complaints(.board, "- 1") == #"""
        f:1:1: the board is a list, expected a map
        """#)
    #expect(
      complaints(.board, "name: x\ndevices: [a, b]\nworld: {a: 1}\nchips: 3") == #"""
        f:2:10: 'devices' is a list, expected a map
        f:3:8: warning: 'world' has an effect only when 'backend' is simulated
        f:4:8: 'chips' is 3, expected a map
        """#)
  }

  @Test func textsFromFilesCannotWriteToTheTerminal() {
    #expect(
      complaints(.board, #"name: x\#n"\e[31mred": 1\#nbackend: "\e[2J\u202e""#) == #"""
        f:2:1: the board has an unknown key '\u{1B}[31mred', expected name, backend, clock, place, chips, buses, devices or world
        f:3:10: 'backend' is '\u{1B}[2J\u{202E}', expected linux or simulated
        """#)
  }

  @Test func aFileOfMistakesIsBounded() {
    let lines = (0..<3000).map { "  d\($0): {kind: sensr}" }.joined(separator: "\n")
    let found = complaints(.board, "name: x\ndevices:\n" + lines).split(separator: "\n")
    #expect(found.count == 501)
    #expect(found.last == "f:502:16: 2500 more findings are not shown")
  }
}

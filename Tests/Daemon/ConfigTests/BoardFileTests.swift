import Config
import Model
import Testing

@Suite struct BoardFileTests {
  private func board(_ text: String) throws -> Board {
    let (board, warnings) = try ConfigText.board(Array(text.utf8), file: "x/board.yaml")
    #expect(warnings.isEmpty, "\(warnings)")
    return board
  }

  @Test func defaultsAreFilledIn() throws {
    let board = try board(
      """
      name: bench
      chips: {main: pinctrl-bcm2835}
      buses: {one: /dev/i2c-1, two: {adapter: bcm2835 (i2c@7e804000)}}
      devices:
        t: {kind: sensor, driver: tmp102, bus: one}
        d: {kind: input, driver: gpio, chip: main, line: GPIO4}
        f: {kind: actuator, driver: gpio, chip: main, line: GPIO17}
        c: {kind: camera, driver: v4l2, path: /dev/video0}
      """)
    #expect(board.backend == .linux && board.clock == .trusted)
    #expect(board.file == "x/board.yaml")
    #expect(board.chips == ["main": .init(label: "pinctrl-bcm2835")])
    #expect(board.buses == ["one": .init(path: "/dev/i2c-1"), "two": .init(adapter: "bcm2835 (i2c@7e804000)")])
    #expect(board.devices.map(\.id) == ["t", "d", "f", "c"])
    guard case .sensor(let sensor)? = board.device("t")?.kind, case .input(let input)? = board.device("d")?.kind,
      case .actuator(let actuator)? = board.device("f")?.kind, case .camera(let camera)? = board.device("c")?.kind
    else {
      Issue.record("a device has another kind than the file says")
      return
    }
    #expect(sensor == SensorSettings())
    #expect(input == InputSettings())
    #expect(actuator == ActuatorSettings())
    #expect(camera == CameraSettings())
    #expect(board.device("t")?.options == ["bus": "one", "address": 0x48])
    #expect(
      board.device("f")?.options == [
        "chip": "main", "line": "GPIO17", "active_low": false, "bias": "as-is", "drive": "push-pull",
      ])
    #expect(board.device("d")?.location == Location(file: "x/board.yaml", line: 6, column: 3))
  }

  @Test func aSimulatedBoardGoesByAnyClock() throws {
    #expect(try board("{name: a, backend: simulated}").clock == .any)
    #expect(try board("{name: a, backend: simulated, clock: trusted}").clock == .trusted)
    #expect(try board("{name: a, clock: any}").clock == .any)
  }

  @Test func settingsAreRead() throws {
    let board = try board(
      """
      name: bench
      chips: {main: {label: x}}
      buses: {one: {path: /dev/i2c-1}}
      devices:
        a: {kind: sensor, driver: ads1115, bus: one, channel: 2-3, range: 4.096, every: 1m30s, deadband: 0.5,
            heartbeat: 1h, unit: "%", scale: -2, offset: 1.5}
        b: {kind: input, driver: gpio, chip: main, line: A, edges: rising, debounce: 20ms}
        p: {kind: actuator, driver: pca9685, bus: one, channel: 3, safe: 0.25, on_exit: hold, max_on: 20s,
            min_off: 500ms, max_rate: 2/s, exclusive_with: [q, r], lease: 5s}
        q: {kind: actuator, driver: gpio, chip: main, line: B, safe: on}
        r: {kind: actuator, driver: gpio, chip: main, line: C, safe: off, on_exit: input, exclusive_with: q}
        s: {kind: actuator, driver: gpio, chip: main, line: D, on_exit: keep-driving, refresh: 10s}
        c: {kind: camera, driver: v4l2, path: /dev/video0, format: yuyv, size: 320x240, rate: 0.5,
            motion: {threshold: 0.1}}
        e: {kind: camera, driver: v4l2, path: /dev/video2, format: NV12, motion: true}
      """)
    guard case .sensor(let sensor)? = board.device("a")?.kind, case .input(let input)? = board.device("b")?.kind,
      case .actuator(let p)? = board.device("p")?.kind, case .actuator(let q)? = board.device("q")?.kind,
      case .actuator(let r)? = board.device("r")?.kind, case .camera(let c)? = board.device("c")?.kind,
      case .camera(let e)? = board.device("e")?.kind
    else {
      Issue.record("a device has another kind than the file says")
      return
    }
    #expect(
      sensor
        == SensorSettings(
          every: .seconds(90), deadband: 0.5, heartbeat: .seconds(3600), unit: "%", scale: -2, offset: 1.5))
    #expect(board.device("a")?.options["channel"] == "2-3")
    #expect(board.device("a")?.options["range"] == "4.096")
    #expect(input == InputSettings(edges: .rising, debounce: .milliseconds(20)))
    #expect(
      p
        == ActuatorSettings(
          safe: 0.25, onExit: .hold, maxOn: .seconds(20), minOff: .milliseconds(500),
          maxRate: Rate(count: 2, per: .seconds(1)), exclusiveWith: ["q", "r"], lease: .seconds(5)))
    #expect(q.safe == 1)
    // Exclusion is mutual.
    #expect(q.exclusiveWith == ["p", "r"])
    #expect(r.exclusiveWith == ["p", "q"])
    #expect(r.onExit == .input)
    #expect(
      c
        == CameraSettings(
          format: FrameFormat(pixels: .yuyv, width: 320, height: 240, rate: 0.5), motion: MotionSettings(threshold: 0.1)
        ))
    #expect(e.format.pixels == .nv12)
    #expect(e.motion == MotionSettings())
  }

  @Test func devicesHaveNamesInAnyScript() throws {
    for name in ["Gewächshaus links", "温室", "دما", "ห้อง", "🌶", "\"12\""] {
      let device = try board("{name: a, backend: simulated, devices: {t: {kind: sensor, name: \(name)}}}").device("t")
      #expect(device?.id == "t" && device?.name == name.filter { $0 != "\"" })
    }
    #expect(try board("{name: a, backend: simulated, devices: {t: {kind: sensor}}}").device("t")?.name == nil)
    let expected = "expected text of 1 to 64 characters, without control characters"
    let long = String(repeating: "ä", count: 65)
    for name in ["\"\"", "\" \"", "\"a\\nb\"", "\"\\u202Eb\"", long, "12"] {
      let found = complaints(.board, "{name: a, backend: simulated, devices: {t: {kind: sensor, name: \(name)}}}")
      #expect(found.contains(expected) && !found.contains("\n"), "\(name): \(found)")
    }
  }

  @Test func aSimulatedBoardNeedsNoDriversAndHasAWorld() throws {
    let board = try board(
      """
      name: bench
      backend: simulated
      world: {outside: 21.5, sun: {rises: 6h}}
      devices:
        t: {kind: sensor, model: {start: 20}}
        f: {kind: actuator, latency: 5ms}
        l: {kind: sensor, driver: procfs, quantity: load1}
      """)
    #expect(board.world == ["outside": 21.5, "sun": ["rises": "6h"]])
    #expect(board.devices.map(\.driver) == ["simulated", "simulated", "procfs"])
    #expect(board.device("t")?.options["model"] == ["start": 20])
    #expect(board.device("f")?.options["latency"] == "5ms")
  }

  @Test func severalQuantitiesOfOneChipAreNoConflict() throws {
    let board = try board(
      """
      name: bench
      buses: {one: /dev/i2c-1, two: /dev/i2c-2}
      devices:
        a: {kind: sensor, driver: bme280, bus: one, quantity: temperature}
        b: {kind: sensor, driver: bme280, bus: one, quantity: humidity}
        c: {kind: sensor, driver: bme280, bus: two, quantity: temperature}
        d: {kind: sensor, driver: bme280, bus: one, address: 0x77, quantity: temperature}
        e: {kind: sensor, driver: ads1115, bus: one, channel: 0}
        f: {kind: sensor, driver: ads1115, bus: one, channel: 1}
        g: {kind: sensor, driver: register, bus: one, address: 0x20, register: 1}
        h: {kind: sensor, driver: register, bus: one, address: 0x20, register: 2}
      """)
    #expect(board.devices.count == 8)
  }
}

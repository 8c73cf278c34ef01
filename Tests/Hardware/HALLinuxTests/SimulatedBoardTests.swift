import Config
import HAL
import Model
import TestKit
import Testing

@testable import HALLinux

/// The board of `--simulate`.
@Suite struct SimulatedBoardTests {
  @Test(arguments: [
    ("°C", 20), ("°F", 68), ("K", 293.15), ("%", 50), ("hPa", 1013), ("kPa", 101.3), ("V", 0), ("lx", 0), ("", 0),
  ])
  func sensorsStartAtAPlausibleValue(_ unit: String, _ value: Double) {
    #expect(abs(SimulatedBoard.start(unit) - value) < 0.000_001, "\(unit)")
  }

  @Test func andWithinTheirRange() {
    #expect(SimulatedBoard.start("°C", within: -30...60) == 20)
    #expect(SimulatedBoard.start("°C", within: 60...90) == 75)
    #expect(SimulatedBoard.start("V", within: 0.5...2.5) == 1.5)
  }

  private func board(_ devices: String) throws -> Board {
    let text = """
      name: bench
      chips: {header: {label: pinctrl-bcm2711}}
      buses: {i2c: {path: /dev/i2c-1}}
      devices:
      \(devices)
      """
    return SimulatedBoard.replacing(try ConfigText.board(Array(text.utf8), file: "board.yaml").0)
  }

  private func settings(_ id: DeviceID, _ board: Board) throws -> SensorSettings {
    let device = try #require(board.device(id))
    guard case .sensor(let settings) = device.kind else { throw HALError.invalid(id, "is no sensor") }
    return settings
  }

  @Test func aValueIsTheOneThatTheSensorShows() throws {
    let board = try board(
      """
        soil: {kind: sensor, driver: ads1115, bus: i2c, unit: "%", points: [[0.9, 100], [2.6, 0]], stuck: 6h}
        probe: {kind: sensor, driver: ads1115, bus: i2c, channel: 1, scale: 3, offset: 1, filter: {range: [1, 3], median: 3}}
        room: {kind: sensor, driver: bme280, bus: i2c, convert: °F}
        air: {kind: sensor, driver: bme280, bus: i2c, quantity: pressure}
        outside: {kind: sensor, driver: hwmon, chip_name: w1_slave_temp, attribute: temp1_input}
        load: {kind: sensor, driver: procfs, quantity: load1}
      """)
    #expect(board.devices.allSatisfy { $0.driver == "simulated" })
    let expected: [(id: DeviceID, value: Double, unit: String)] = [
      ("soil", 50, "%"), ("probe", 2, "V"), ("room", 68, "°F"), ("air", 1013, "hPa"), ("outside", 20, "°C"),
      ("load", 0, ""),
    ]
    for (id, value, unit) in expected {
      let model = board.device(id)?.options["model"]
      #expect(
        model?["value"]?.double.map { abs($0 - value) < 0.000_001 } == true, "\(id): \(String(describing: model))")
      #expect(model?["unit"]?.string == unit)
      let settings = try settings(id, board)
      #expect(settings.points.isEmpty && settings.scale == 1 && settings.offset == 0 && settings.convert == nil)
      #expect(settings.unit == unit && settings.stuck == nil)
    }
    #expect(try settings("probe", board).filter?.median == 3)
  }

  @Test func outputsWithoutLevelsHaveNone() throws {
    let board = try board(
      """
        pump: {kind: actuator, driver: gpio, chip: header, line: GPIO17, max_on: 1m, min_off: 1m}
        fan: {kind: actuator, driver: pwm, pwmchip: fe20c000.pwm}
        water: {kind: input, driver: gpio, chip: header, line: GPIO22, debounce: 2ms, count: {unit: L}}
      """)
    #expect(try #require(board.device("pump")).isDigital)
    #expect(try !#require(board.device("fan")).isDigital)
    // Pulses of the simulated input are counted like those of the real one.
    #expect(board.device("water.total")?.driver == Device.countDriver)
    #expect(board.clock == .any && board.backend == .simulated)
  }

  @Test func aBoardThatIsSimulatedAnywayStaysAsItIs() throws {
    let file = "Board/greenhouse-sim/board.yaml"
    let board = try ConfigText.board(try Repository.read(file), file: file).0
    let same = SimulatedBoard.replacing(board)
    #expect(same.devices.map(\.driver) == board.devices.map(\.driver))
    #expect(same.device("temperature")?.options == board.device("temperature")?.options)
  }

  @Test(arguments: ["raspberrypi3", "raspberrypi4", "raspberrypi5", "raspberrypizero2w"])
  func theBoardsOfThisRepository(_ model: String) throws {
    let file = "Board/\(model)/board.yaml"
    let board = SimulatedBoard.replacing(try ConfigText.board(try Repository.read(file), file: file).0)
    #expect(board.devices.allSatisfy { $0.driver == "simulated" })
    #expect(board.device("soil")?.options["model"]?["value"]?.double == 50)
  }
}

import Glibc
import Linux
import Model
import Testing

/// `openstarryd --simulate`: a real board's files on any machine.
@Suite struct SimulateTests {
  private static let board = """
    name: garden
    chips: { header: { label: pinctrl-bcm2711 } }
    buses: { i2c: { path: /dev/i2c-1 } }
    devices:
      temperature: { kind: sensor, driver: bme280, bus: i2c, every: 100ms, deadband: 0.1 }
      soil: { kind: sensor, driver: ads1115, bus: i2c, unit: "%", scale: -62.5, offset: 175, every: 100ms }
      door: { kind: input, driver: gpio, chip: header, line: GPIO23, bias: pull-up, active_low: true }
      fan: { kind: actuator, driver: gpio, chip: header, line: GPIO17, max_on: 30m, min_off: 0s }
      cam0: { kind: camera, driver: v4l2, path: /dev/v4l/by-id/usb-none, size: 160x120 }

    """

  /// Settings as a board has them, whose folders, groups and devices this machine lacks.
  private static let settings = """
    board: board.yaml
    rules: [orchestration.yaml]
    home: /nowhere/home
    socket: /nowhere/control.sock
    socket_mode: "0666"
    guardian: true
    watchdog: /dev/watchdog9
    groups: { view: nobody-has-this-group }

    """

  private func station() throws -> Station {
    let station = try Station(
      files: [
        "garden/board.yaml": Self.board, "garden/openstarry.yaml": Self.settings,
        "garden/orchestration.yaml": """
        rules:
          - id: too-hot
            on: "sensor:temperature"
            if: "value > 30.0"
            action: "actuate(fan, on, lease: 10s)"

        """,
      ])
    Files.remove("\(station.folder)/openstarry.yaml")
    return station
  }

  /// Starts the daemon with these words, and waits until it is ready.
  private func start(_ station: Station, _ words: [String], _ environment: [String: String] = [:]) throws -> Program {
    let daemon = try station.start("openstarryd", words + ["--for", "5m"], environment)
    let isUp = eventually { daemon.exitCode != nil || daemon.errors.contains("openstarryd: ready in ") }
    try #require(isUp && daemon.exitCode == nil, "\(daemon.errors)")
    return daemon
  }

  @Test func aRealBoardRunsWithoutItsHardware() throws {
    let station = try station()
    let daemon = try start(station, ["--simulate", "--config", "garden/openstarry.yaml"])
    let folder = "\(station.folder)/.openstarry"
    func run(_ words: String...) throws -> Station.Outcome {
      let command = try station.start("openstarry", words, ["OPENSTARRY_SOCKET": ""])
      let code = command.wait()
      return Station.Outcome(code: code, output: command.output, errors: command.errors)
    }
    // Everything is below this folder, where `openstarry` looks first.
    #expect(Files.exists("\(folder)/control.sock") && Files.isFile("\(folder)/simulated/registry.db"))
    #expect(!Files.exists("/nowhere"))
    #expect(daemon.errors.contains("every device of board 'garden' is simulated, and no hardware is used"))
    #expect(daemon.errors.contains("board garden (simulated), 5 devices, 0 agents, 1 rule"))
    #expect(!daemon.errors.contains("warning") && !daemon.errors.contains("error"), "\(daemon.errors)")

    let status = try run("status").output
    #expect(status.contains("every device, by --simulate: no hardware is used"), "\(status)")
    let devices = try run("devices")
    #expect(devices.output.contains("20 °C") && devices.output.contains("50 %"), "\(devices)")
    #expect(devices.lines.last?.hasPrefix("simulated: no hardware is used") == true, "\(devices)")

    #expect(try run("simulate", "temperature", "31.5").code == 0)
    #expect(try eventually { try run("why", "fan").output.contains("fan on") })
    #expect(try run("read", "temperature").output == "temperature 31.5 °C\n")
    // A value is what the sensor shows, not what its chip measures.
    #expect(try run("simulate", "soil", "12").code == 0)
    #expect(try eventually { try run("read", "soil").output == "soil 12 %\n" })
    #expect(try run("simulate", "door", "on").code == 0)
    #expect(
      try eventually {
        try run("read", "door").output.contains("door active") || run("devices").output.contains("active")
      })
    #expect(try run("set", "fan", "40%").code != 0)
    #expect(try run("snapshot", "cam0", "-o", "frame.jpg").code == 0)
    #expect(Files.size("\(station.folder)/frame.jpg") ?? 0 > 500)
    daemon.send(SIGTERM)
    #expect(daemon.wait() == 0)
  }

  @Test func settingsOfThisFolderOrABoardAloneWillDo() throws {
    let station = try station()
    let none = try station.start("openstarryd", ["--simulate"])
    #expect(none.wait() == 78)
    #expect(none.errors.contains("there is no openstarry.yaml in this folder: name settings with --config"))

    let alone = try start(
      station, ["--simulate", "--board", "garden/board.yaml", "--home", "mine", "--socket", "mine.sock"])
    #expect(Files.isFile("\(station.folder)/mine/registry.db") && Files.exists("\(station.folder)/mine.sock"))
    #expect(!Files.exists("\(station.folder)/.openstarry"))
    alone.send(SIGTERM)
    #expect(alone.wait() == 0)

    try station.write("openstarry.yaml", "board: garden/board.yaml\n")
    let here = try start(station, ["--simulate"])
    #expect(here.errors.contains("board garden (simulated), 5 devices"))
    // A second one in the same folder is refused like every second daemon.
    let second = try station.start("openstarryd", ["--simulate"])
    #expect(second.wait() == 75)
    here.send(SIGTERM)
    #expect(here.wait() == 0)
  }

  @Test func systemdIsToldAsUsual() throws {
    let station = try station()
    let manager = try NotifySocket("\(station.folder)/notify")
    let daemon = try start(
      station, ["--simulate", "--board", "garden/board.yaml"], ["NOTIFY_SOCKET": "\(station.folder)/notify"])
    #expect(manager.hears { $0.contains("READY=1") && $0.contains("garden (simulated)") }, "\(daemon.errors)")
  }

  @Test func nothingIsMadeSafeOnASimulatedBoard() throws {
    let station = try station()
    let refused = try station.start("openstarryd", ["--simulate", "--make-safe", "--board", "garden/board.yaml"])
    #expect(refused.wait() == 64)
    #expect(refused.errors.contains("--make-safe drives the outputs of a real board, and --simulate has none"))
  }
}

import ArgumentParser
import Document
import Linux
import Model

struct Devices: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Lists the board's devices with their state.")
  @OptionGroup var shared: SharedOptions

  func run() throws {
    try shared.ask("hal.devices") { result, terminal in
      let devices = result["devices"]?.list ?? []
      return DeviceText.table(devices)
        + (DeviceText.simulation(devices).map { [Paint.faint($0, terminal.colour)] } ?? [])
    }
  }
}

struct Read: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Measures a sensor, or reads an input.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The sensor or input.")
  var device: String

  func run() throws {
    try shared.ask("hal.read", ["device": .string(device)]) { reading, _ in [DeviceText.reading(reading)] }
  }
}

struct SetActuator: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Commands an actuator, within the board's limits.",
    discussion: """
      The actuator is held for the time in --for, by default for the lease in the board file, and then goes to its \
      safe state. The hold outlives this command; 'openstarry release' gives it up. The safe state can be commanded \
      even while somebody else holds the actuator.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The actuator.")
  var device: String

  @Argument(
    help: ArgumentHelp("on, off, a level from 0 to 1 or in percent, or pulse:500ms.", valueName: "command"),
    transform: { text in
      guard let command = CommandArgument.command(text) else {
        throw ValidationError(
          "'\(MinusSign.restore(text))' is not on, off, a level from 0 to 1, a percentage, or pulse:TIME")
      }
      return command
    })
  var command: ActuatorCommand

  @Option(
    name: .customLong("for"), help: ArgumentHelp("How long to hold it, e.g. 5s, 2m.", valueName: "time"),
    transform: SpanArgument.read)
  var length: Duration?

  @Flag(help: "Takes the actuator over from its holder; requires role admin.")
  var override = false

  @Option(help: ArgumentHelp("What an approver is told, if the board file asks for one.", valueName: "text"))
  var reason: String?

  func validate() throws {
    try Bounds.check(length, "--for")
    if case .pulse(let pulse) = command {
      try Bounds.check(pulse, "a pulse")
      if length != nil { throw ValidationError("--for does not go with a pulse, which ends by itself") }
    }
  }

  func run() throws {
    // Without `hold` the lease would end with this command's connection.
    var params: Fields = ["device": .string(device), "command": command.wireValue, "hold": true]
    if let length { params["lease_ms"] = .int(max(1, length.nanoseconds / 1_000_000)) }
    if override { params["override"] = true }
    if let reason { params["reason"] = .string(reason) }
    let receipt = try shared.connect().control(params) { waiting in
      guard !shared.json else { return }
      let id = ApprovalText.short(waiting["approval"]?.string ?? "")
      let time = waiting["expires_ms"]?.int.map { " for \(Duration.milliseconds($0).spoken)" } ?? ""
      Terminal.complain("waits\(time) for an approver: openstarry approve \(id)")
    }
    try shared.show(receipt) { receipt, _ in
      [DeviceText.receipt(receipt, showsLease: length != nil), BoardText.line(receipt)]
    }
    if let warning = receipt["warning"]?.string { throw Failure(.notKept, warning) }
    try NotSafe.check(receipt)
  }
}

struct GiveUp: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Gives up your hold on an actuator: it goes to its safe state.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The actuator.")
  var device: String

  func run() throws {
    let result = try shared.move("hal.release", ["device": .string(device)]) { result, _ in
      ["\(device.printable) \(result["released"]?.bool == false ? "was not held; commanded to be safe" : "released")"]
    }
    try NotSafe.check(result)
    if let warning = result["warning"]?.string { throw Failure(.notKept, warning) }
  }
}

/// Outputs that were commanded to be safe and have not confirmed it.
private enum NotSafe {
  /// - Throws: if the result of a command says why an output is not known to be safe.
  static func check(_ result: Value) throws(Failure) {
    if let why = result["not_safe"]?.string { throw Failure(.failed, "NOT SAFE: \(why)") }
  }
}

struct Snapshot: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Takes a picture, as JPEG.",
    discussion: "The file is replaced in one step: readers see the old picture or the new one, never a part.")
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The camera.")
  var camera: String

  @Option(
    name: [.customShort("o"), .customLong("output")],
    help: ArgumentHelp("The output file; '-' is standard output, which must not be a terminal.", valueName: "file"),
    completion: .file(extensions: ["jpg", "jpeg"]))
  var output: String

  func run() throws {
    if output == "-" && System.isTerminal(1) {
      throw Failure(.usage, "pictures are not written to a terminal: name a file with -o, or use a pipe")
    }
    try Self.checkPlace(output)
    let (result, picture) = try shared.connect().picture("hal.snapshot", ["device": .string(camera)])
    if output == "-" { return try Terminal().write(picture) }
    do {
      try Files.replace(output, with: picture, mode: 0o644)
    } catch {
      throw Failure(.failed, "\(error)")
    }
    try shared.show(result) { _, _ in
      ["\(output.printable): \(camera.printable), \(EventSentence.byteCount(Int64(picture.count)))"]
    }
  }

  /// Checks that `path` can be written, before the camera is started.
  private static func checkPlace(_ path: String) throws(Failure) {
    if path == "-" { return }
    let folder = Files.folder(of: path)
    if Files.isFolder(path) { throw Failure(.usage, "\(path) is a folder: name a file in it") }
    guard !Files.isFolder(folder) else { return }
    throw Files.exists(folder)
      ? Failure(.failed, "cannot write \(path): \(folder) is not a folder")
      : Failure(.notFound, "cannot write \(path): there is no folder \(folder)")
  }
}

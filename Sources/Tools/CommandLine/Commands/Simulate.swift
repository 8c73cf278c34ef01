import ArgumentParser
import Linux
import Model

struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Changes the surroundings of a simulated board: measured values, pressed buttons, faults.",
    discussion: """
      A number sets a sensor's value. on and off set an input; press and press:2s press it for a moment. nack, \
      timeout, checksum, stuck, slow and unplug are faults, which none ends. auto returns the device to the board's \
      model. Several values follow one another, as in 'openstarry simulate temperature 20 25 31 auto --every 2s'.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The device.")
  var device: String

  @Argument(
    help: ArgumentHelp("A number, on, off, press, press:TIME, a fault, none or auto.", valueName: "value"),
    transform: SimulatedValue.read)
  var values: [SimulatedValue]

  @Option(help: ArgumentHelp("The time between values.", valueName: "time"), transform: SpanArgument.read)
  var every: Duration = .seconds(1)

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("The duration of a fault; without --for and --count until 'none'.", valueName: "time"),
    transform: SpanArgument.read)
  var length: Duration?

  @Option(help: "The number of operations that fail.")
  var count: Int?

  func validate() throws {
    try Bounds.check(count, 1...1_000_000, "--count")
    if (count != nil || length != nil) && !values.contains(where: \.isFault) {
      throw ValidationError("--count and --for are for faults")
    }
  }

  func run() throws {
    var remote = try shared.connect()
    let devices = try remote.call("hal.devices")["devices"]?.list ?? []
    let kind = devices.first { $0["device"]?.string == device }?["kind"]?.string
    if let kind, let why = values.lazy.compactMap({ $0.misfit(device.printable, kind: kind) }).first {
      throw Failure(.usage, why)
    }
    for (index, value) in values.enumerated() {
      if index > 0 {
        Pause.wait(nanoseconds: UInt64(every.nanoseconds))
        // The daemon may have closed the idle connection.
        remote = try shared.connect()
      }
      let change = value.change(isInput: kind == "input", count: count, length: length)
      let params: Fields = ["device": .string(device), "change": .map(change)]
      try shared.show(try remote.move("hal.simulate", params)) { result, _ in
        ["\(device.printable): \(value)"] + (index + 1 == values.count ? [BoardText.line(result)] : [])
      }
    }
  }
}

import ArgumentParser
import Model

struct Acknowledge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Acknowledges that an actuator was switched without its effect.",
    discussion: """
      An actuator with 'verify' in the board file that was switched in vain is shown by 'openstarry devices' and \
      'openstarry doctor' until somebody acknowledges it, also over restarts.
      """)
  @OptionGroup var shared: SharedOptions

  @Argument(help: "The actuator.")
  var device: String

  func run() throws {
    try shared.move("hal.acknowledge", ["device": .string(device)]) { result, _ in
      [
        result["acknowledged"]?.bool == false
          ? "\(device.printable): there was nothing to acknowledge" : "\(device.printable) acknowledged"
      ]
    }
  }
}

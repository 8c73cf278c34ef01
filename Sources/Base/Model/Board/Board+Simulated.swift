extension Board {
  /// A copy with every device simulated. Limits and settings stay; sensors measure 0, and inputs are inactive, until
  /// they are given values.
  package var simulated: Board {
    var board = self
    board.backend = .simulated
    for index in board.devices.indices where board.devices[index].hasHardware {
      let isDigital = board.devices[index].isDigital
      board.devices[index].driver = "simulated"
      board.devices[index].options = isDigital ? ["analogue": false] : [:]
    }
    return board
  }
}

extension Device {
  /// Whether it is an actuator without levels between on and off.
  package var isDigital: Bool {
    guard case .actuator = kind else { return false }
    return driver == "gpio" || options["analogue"] == .bool(false)
  }

  /// Whether a driver of real hardware opens it: not a simulated device, nor a sensor that counts an input's pulses.
  fileprivate var hasHardware: Bool { driver != "simulated" && driver != Self.countDriver }
}

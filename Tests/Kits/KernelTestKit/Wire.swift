import HAL
import Model

/// A wire between an actuator's line and an input's line: a real one, or one that is emulated between two simulated
/// chips.
///
/// Board files declare wires as `world: {wires: [{from: lamp, to: lamp_sense}]}`.
package struct Wire {
  package let from: DeviceID
  package let to: DeviceID
  private let ends: (driven: (chip: SimulatedChip, line: String), pulled: (chip: SimulatedChip, line: String))?

  /// The wires of a board.
  /// - Throws: `Failure` for a malformed list, with the entry.
  package static func all(of board: Board) throws -> [Wire] {
    let wires = board.world["wires"] ?? .list([])
    guard let list = wires.list else { throw Failure("\(board.file): world.wires must be a list of {from: …, to: …}") }
    return try list.enumerated().map { number, entry in
      let place = "\(board.file): wire \(number + 1) of world.wires"
      guard let from = entry["from"]?.string, let to = entry["to"]?.string else {
        throw Failure("\(place) must be {from: an actuator, to: an input}")
      }
      guard let driven = board.device(DeviceID(from)), case .actuator = driven.kind, driven.driver == "gpio" else {
        throw Failure("\(place): '\(from)' is no actuator of the board on a GPIO line")
      }
      guard let pulled = board.device(DeviceID(to)), case .input = pulled.kind else {
        throw Failure("\(place): '\(to)' is no input of the board")
      }
      return Wire(driven, pulled, board)
    }
  }

  private init(_ driven: Device, _ pulled: Device, _ board: Board) {
    from = driven.id
    to = pulled.id
    // Simulated lines have no wires, so `carry` must copy the level.
    if let first = try? end(of: driven, on: board), let second = try? end(of: pulled, on: board) {
      ends = (first, second)
    } else {
      ends = nil
    }
  }

  /// Copies the level to the other end; does nothing for a real wire.
  package func carry() throws {
    guard let ends else { return }
    let isHigh = try ends.driven.chip.isHigh(ends.driven.line)
    if try ends.pulled.chip.isPulledUp(ends.pulled.line) != isHigh {
      try ends.pulled.chip.pull(ends.pulled.line, up: isHigh)
    }
  }
}

/// The simulated line of a device.
/// - Throws: `Skip` when its chip is not simulated.
package func end(of device: Device, on board: Board) throws -> (chip: SimulatedChip, line: String) {
  guard let name = device.options["chip"]?.string, let line = device.options["line"]?.string,
    let chip = board.chips[name]
  else { throw Failure("'\(device.id)' is no GPIO line") }
  return (try SimulatedChip.labelled(chip.label), line)
}

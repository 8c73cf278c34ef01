import HAL
import Linux
import Model

/// The owner of each piece of hardware, keyed by the kernel's identity, so that two spellings of a path are one piece.
///
/// GPIO lines are not included: the kernel grants each line to one request only.
final class Claims {
  private var pieces: [DeviceID: String] = [:]

  /// Assigns a piece to a device and frees the device's earlier one.
  /// - Throws: `inUse`, which names the owning device.
  func take(_ piece: String, by device: DeviceID) throws(HALError.Fault) {
    if let owner = pieces.first(where: { $0.value == piece && $0.key != device })?.key {
      throw .inUse("device '\(owner)' of this board")
    }
    pieces[device] = piece
  }

  /// The kernel's identity of a device node: its device number, or the resolved path of another file.
  /// - Returns: nil when the node does not exist.
  static func identity(ofNode path: String) -> String? {
    if let number = (try? FileStatus(path))?.special, number != 0 { return "device \(number)" }
    return try? Files.resolve(path)
  }
}

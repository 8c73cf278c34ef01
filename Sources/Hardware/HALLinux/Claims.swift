import HAL
import Linux
import Model

/// Which device has which piece of hardware, by what the kernel says it is: a piece that is spelled in two ways is one.
///
/// GPIO lines are not in here: the kernel itself gives each to one request only.
final class Claims {
  private var pieces: [DeviceID: String] = [:]

  /// Notes what a device has now; what it had before is free.
  /// - Throws: `inUse`, which names the device that has it.
  func take(_ piece: String, by device: DeviceID) throws(HALError.Fault) {
    if let owner = pieces.first(where: { $0.value == piece && $0.key != device })?.key {
      throw .inUse("device '\(owner)' of this board")
    }
    pieces[device] = piece
  }

  /// What the kernel says a device node is: its device number, or where it leads.
  /// - Returns: nil when it is not there.
  static func identity(ofNode path: String) -> String? {
    if let number = (try? FileStatus(path))?.special, number != 0 { return "device \(number)" }
    return try? Files.resolve(path)
  }
}

import Glibc
import HAL
import Linux
import Model

/// Keeps the changes of actuators with `max_rate` over any end of the daemon, in a file in memory (tmpfs). A change is
/// one small write, and never touches the disk.
///
/// The file has a header of mark, boot and count. For each actuator follow its name in 64 bytes, the capacity, the
/// number of changes, and the changes with 8 bytes each: the time in nanoseconds in the upper 62 bits, a bit for "under
/// way", a bit for "away from safe". All little-endian. A torn write leaves changes that are or were valid.
package final class ChangeFile: ChangeStore {
  private static let mark = Array("OpenStarry changes 1\n".utf8)
  private static let bootSize = 40
  private static let nameSize = 64
  private static let headerSize = mark.count + bootSize + 4

  private let file: Descriptor
  private let path: String
  private let onProblem: (SystemError) -> Void
  private var left: [DeviceID: [ActuatorChange]]
  private var places: [DeviceID: (offset: Int, room: Int)] = [:]
  private var hasFailed = false

  /// Reads the changes of the previous daemon, and makes the file for this board.
  /// - Parameters:
  ///   - path: in a folder in memory.
  ///   - boot: the kernel's id of this boot. Changes of another boot are ignored.
  ///   - actuators: the actuators to keep.
  ///   - onProblem: called once when a change cannot be written.
  /// - Throws: the file cannot be made.
  package init(
    _ path: String, boot: String, actuators: [(id: DeviceID, rate: Rate)], onProblem: @escaping (SystemError) -> Void
  ) throws(SystemError) {
    self.path = path
    self.onProblem = onProblem
    // An unreadable file counts as empty.
    let found = (try? Files.read(path, limit: 4 << 20)) ?? []
    let left = Self.read(found, boot: boot)
    self.left = left
    var bytes = Self.mark + Self.padded(boot, Self.bootSize) + Self.bytes(UInt32(actuators.count))
    for actuator in actuators {
      let room = min(actuator.rate.count, ActuatorChange.mostKept)
      let name = Self.padded(actuator.id.rawValue, Self.nameSize) + Self.bytes(UInt32(room))
      places[actuator.id] = (bytes.count + name.count, room)
      bytes += name + Self.bytes(left[actuator.id] ?? [], room: room)
    }
    // Keep an identical file: when the memory is full there is no room for a second one.
    if bytes != found { try Files.replace(path, with: bytes, mode: 0o600) }
    file = try Files.open(path, O_WRONLY | O_NOFOLLOW)
  }

  package func changes(of device: DeviceID) -> [ActuatorChange] { left.removeValue(forKey: device) ?? [] }

  package func keep(_ changes: [ActuatorChange], of device: DeviceID) {
    guard let (offset, room) = places[device] else { return }
    do throws(SystemError) {
      try System.write(file.number, Self.bytes(changes, room: room), at: offset)
      hasFailed = false
    } catch {
      if !hasFailed { onProblem(SystemError(error.operation, path, errno: error.errno)) }
      hasFailed = true
    }
  }

  // MARK: Bytes

  private static func padded(_ text: String, _ size: Int) -> [UInt8] {
    let bytes = text.utf8.prefix(size)
    return bytes + [UInt8](repeating: 0, count: size - bytes.count)
  }

  private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }

  private static func bytes(_ changes: [ActuatorChange], room: Int) -> [UInt8] {
    let newest = changes.suffix(room)
    var bytes = bytes(UInt32(newest.count))
    bytes.reserveCapacity(4 + room * 8)
    for change in newest {
      bytes += self.bytes(change.at.nanoseconds << 2 | (change.isUnderWay ? 2 : 0) | (change.leadsAway ? 1 : 0))
    }
    return bytes + [UInt8](repeating: 0, count: (room - newest.count) * 8)
  }

  /// - Returns: the changes of this boot; empty when the file is torn or invalid.
  private static func read(_ bytes: [UInt8], boot: String) -> [DeviceID: [ActuatorChange]] {
    guard !boot.isEmpty, bytes.starts(with: mark), bytes.count >= headerSize,
      bytes[mark.count..<mark.count + bootSize].elementsEqual(padded(boot, bootSize))
    else { return [:] }
    var place = mark.count + bootSize
    func number(_ size: Int) -> UInt64 {
      defer { place += size }
      return (0..<size).reduce(0) { $0 | UInt64(bytes[place + $1]) << ($1 * 8) }
    }
    var found: [DeviceID: [ActuatorChange]] = [:]
    for _ in 0..<number(4) {
      guard bytes.count - place >= nameSize + 8 else { return found }
      let name = bytes[place..<place + nameSize].prefix { $0 != 0 }
      place += nameSize
      let (room, count) = (Int(number(4)), Int(number(4)))
      guard room <= ActuatorChange.mostKept, count <= room, bytes.count - place >= room * 8 else { return found }
      var changes: [ActuatorChange] = []
      for index in 0..<room {
        let value = number(8)
        guard index < count else { continue }
        changes.append(
          ActuatorChange(
            at: Instant(nanoseconds: value >> 2), leadsAway: value & 1 == 1, isUnderWay: value & 2 == 2))
      }
      found[DeviceID(String(decoding: name, as: UTF8.self))] = changes
    }
    return found
  }
}

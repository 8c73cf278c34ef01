import Glibc
import HAL
import Linux
import Model

/// Keeps the changes of actuators with `max_rate` over the end of the daemon, however that comes: a file in memory, where
/// a change is one small write and no disk is touched.
///
/// A header of mark, boot and count; then for each actuator its name in 64 bytes, how many changes there is room for, how
/// many there are, and the changes, 8 bytes each: the time in nanoseconds in the upper 62 bits, then whether it was under
/// way, then whether it led away. Little-endian throughout. A write that is cut off leaves changes that were or are.
public final class ChangeFile: ChangeKeeper {
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

  /// Reads what the daemon before has left, and makes the file anew for this board.
  /// - Parameters:
  ///   - path: in a folder that is memory.
  ///   - boot: the kernel's id of this boot; what another one has left means nothing.
  ///   - actuators: those that are kept.
  ///   - onProblem: told once when a change cannot be kept.
  /// - Throws: the file cannot be made.
  public init(
    _ path: String, boot: String, actuators: [(id: DeviceID, rate: Rate)], onProblem: @escaping (SystemError) -> Void
  ) throws(SystemError) {
    self.path = path
    self.onProblem = onProblem
    // One that cannot be read has nothing to say.
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
    // One that says the same goes on: where memory is full there is no room for another one beside it.
    if bytes != found { try Files.replace(path, with: bytes, mode: 0o600) }
    file = try System.open(path, O_WRONLY | O_NOFOLLOW)
  }

  public func changes(of device: DeviceID) -> [ActuatorChange] { left.removeValue(forKey: device) ?? [] }

  public func keep(_ changes: [ActuatorChange], of device: DeviceID) {
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

  /// - Returns: what this boot has left; empty for what is torn or makes no sense.
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

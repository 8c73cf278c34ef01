import EventLoop
import GuardianClient
import HAL
import Linux
import Model
import Orchestrator

/// The costs of recording leases and changes for the guardian and for the next daemon: a part of every actuator
/// command.
struct HoldCost {
  private let loop: EventLoop
  private let link: GuardianLink

  /// - Parameters:
  ///   - guardian: the guardian's program.
  ///   - folder: the folder for its socket.
  init(guardian: String, folder: String) throws {
    loop = try EventLoop()
    let log = EventLog(clock: loop, capacity: 16, depthLimit: 16, later: { _ in })
    link = try GuardianLink(
      loop: loop, events: log, socket: "\(folder)/hold.sock", program: guardian, actuators: [("fan", .safe)])
    link.start()
    link.charge()
  }

  /// The cost of renewing a lease, in nanoseconds; each sample is the mean of a hundred.
  func renewals(_ count: Int) -> [Double] { measure(count, from: 3600) { $0 } }

  /// The cost of a lease that ends earlier than all previous ones, so that a packet is sent to the guardian, in
  /// nanoseconds; each sample is the mean of a hundred.
  func packets(_ count: Int) -> [Double] { measure(count, from: 1800) { -$0 } }

  private func measure(_ count: Int, from seconds: Int64, _ shift: (Int64) -> Int64) -> [Double] {
    let start = loop.now + .seconds(seconds)
    return (0..<count / 100).map { round in
      let begin = System.monotonicNanoseconds()
      for index in 0..<100 {
        let deadline = start + .nanoseconds(shift(Int64(round * 100 + index)))
        let lease = Lease(holder: "agent/climate", deadline: deadline, isCutByMaxOn: false, cause: nil)
        link.hold(0, level: 1, lease: lease, since: start)
      }
      return Double(System.monotonicNanoseconds() - begin) / 100
    }
  }

  /// Ends the guardian.
  func end() { link.end() }

  /// The cost of storing a change of an actuator with `max_rate`, in nanoseconds; each sample is the mean of a hundred.
  /// A change is stored twice, before and after the hardware is commanded.
  /// - Parameters:
  ///   - folder: a folder in memory.
  ///   - rate: the number of stored changes.
  static func changes(_ count: Int, folder: String, rate: Int) throws -> [Double] {
    let path = "\(folder)/bench.changes"
    defer { Files.remove(path) }
    let file = try ChangeFile(path, boot: "bench", actuators: [("fan", Rate(count: rate, per: .seconds(60)))]) { _ in }
    let history = (1...rate).map {
      ActuatorChange(at: Instant(nanoseconds: UInt64($0)), leadsAway: false, isUnderWay: $0 == rate)
    }
    return (0..<count / 100).map { _ in
      let begin = System.monotonicNanoseconds()
      for _ in 0..<100 {
        file.keep(history, of: "fan")
        file.keep(history, of: "fan")
      }
      return Double(System.monotonicNanoseconds() - begin) / 100
    }
  }
}

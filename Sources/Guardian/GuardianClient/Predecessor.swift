import CLinux
import Glibc
import Guardian
import Linux
import Wire

/// The guardian of a daemon that has died, on the side of the next daemon: its report and the outputs it holds.
final class Predecessor {
  /// Its report of its daemon's end.
  let report: GuardianReport
  /// The outputs that have not been taken over yet, in the order of its daemon's board.
  private(set) var outputs: [KeptOutput]
  private var descriptors: [[UInt8]: [Int32]]
  private let socket: GuardianSocket
  /// Whether it has failed to answer a `discard` in time.
  private var isSlow = false

  /// nil when the kernel does not identify it: a guardian of an early release did not call listen(2) itself.
  private let process: PeerProcess?

  /// The result of looking for a guardian.
  enum Finding {
    /// No guardian listens.
    case nobody
    /// A guardian whose daemon lives, or one of another user.
    case guarding
    /// A guardian whose daemon has ended.
    case predecessor(Predecessor)
    /// A guardian that did not answer. It would keep its lines, and drive outputs if it resumed, so it has been killed,
    /// which releases everything it held. `hasEnded` says whether that worked; `pid` is nil when it is unknown.
    case deaf(pid: Int32?, hasEnded: Bool)
  }

  /// Looks for the guardian that listens at `path`. Waits half a second for each packet, and two seconds for the end of
  /// one that does not answer.
  static func find(at path: String) -> Finding {
    guard let connection = try? UnixSocket.connect(path, packets: true) else { return .nobody }
    guard let peer = try? Peer(of: connection.number), peer.uid == geteuid() || peer.uid == 0 else { return .guarding }
    let process = PeerProcess(at: connection.number, program: GuardianProgram.name)
    let socket = GuardianSocket(connection, peer: "guardian", patience: 500)
    do throws(SystemError) {
      try socket.send(.hello)
      guard let answer = try socket.receive() else { return .nobody }
      for number in answer.descriptors { close(number) }
      guard case .report(let report) = answer.message else { return .guarding }
      let (kept, descriptors) = try outputs(of: report, from: socket)
      return .predecessor(Predecessor(report, kept, descriptors, socket, process))
    } catch {
      guard error.errno == EAGAIN else { return .nobody }
      return .deaf(pid: process?.pid, hasEnded: process?.end() ?? false)
    }
  }

  /// Receives the outputs that a report announces. Unsound ones are left out: the kernel drops descriptors when this
  /// process has no room for them.
  /// - Throws: EAGAIN when one did not come in time; no descriptor is left open.
  static func outputs(
    of report: GuardianReport, from socket: GuardianSocket
  ) throws(SystemError) -> ([KeptOutput], [[UInt8]: [Int32]]) {
    var kept: [KeptOutput] = []
    var descriptors: [[UInt8]: [Int32]] = [:]
    do throws(SystemError) {
      for _ in 0..<report.outputs {
        guard let (message, numbers) = try socket.receive() else { break }
        guard case .kept(let output) = message, output.record.isSound(descriptors: numbers.count),
          descriptors[output.record.device] == nil
        else {
          for number in numbers { close(number) }
          continue
        }
        kept.append(output)
        descriptors[output.record.device] = numbers
      }
      return (kept, descriptors)
    } catch {
      for number in descriptors.values.joined() { close(number) }
      throw error
    }
  }

  private init(
    _ report: GuardianReport, _ outputs: [KeptOutput], _ descriptors: [[UInt8]: [Int32]], _ socket: GuardianSocket,
    _ process: PeerProcess?
  ) {
    self.report = report
    self.outputs = outputs
    self.descriptors = descriptors
    self.socket = socket
    self.process = process
  }

  deinit { for number in descriptors.values.joined() { close(number) } }

  /// Takes over a device's descriptors. The guardian keeps its duplicates until `finish`.
  /// - Returns: the first descriptor, owned by the caller; nil when the device has none or is unknown.
  func take(_ device: [UInt8]) -> Int32? {
    outputs.removeAll { $0.record.device == device }
    guard var numbers = descriptors.removeValue(forKey: device), !numbers.isEmpty else { return nil }
    let first = numbers.removeFirst()
    for number in numbers { close(number) }
    return first
  }

  /// Lets the guardian make a device safe and release it, and waits for that. After one time-out it does not wait
  /// again, because a hanging bus would cost one time-out per output.
  func discard(_ device: [UInt8]) {
    if let number = take(device) { close(number) }
    do throws(SystemError) {
      try socket.send(.discard(device: device))
      while !isSlow, let (message, numbers) = try socket.receive() {
        for number in numbers { close(number) }
        if case .discarded(device, _) = message { return }
      }
    } catch {
      isSlow = true
    }
  }

  /// Ends the guardian; outputs that were not taken over become safe first. A guardian that does not respond is killed:
  /// it must not drive outputs that this daemon has taken over.
  func finish() {
    for output in outputs { discard(output.record.device) }
    let isNotified = (try? socket.send(.take)) != nil
    guard let process else {
      if isNotified { socket.waitForEnd() }
      return
    }
    if !(isNotified && process.waitForEnd()) { process.end() }
  }
}

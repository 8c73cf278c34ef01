import CLinux
import Glibc
import Guardian
import Linux
import Wire

/// The guardian of a daemon that has died, as the next daemon finds it: what it did, and what it has.
final class Predecessor {
  /// What it says of its daemon's end.
  let report: GuardianReport
  /// What it has not been relieved of, in the order of the board that was.
  private(set) var outputs: [KeptOutput]
  private var descriptors: [[UInt8]: [Int32]]
  private let socket: PacketSocket
  private var isSlow = false

  /// nil for one of a release that did not say who it is.
  private let process: PeerProcess?

  /// What is found where a guardian may listen.
  enum Finding {
    /// None is there.
    case nobody
    /// One whose daemon lives, or somebody else's.
    case guarding
    /// One whose daemon has ended.
    case predecessor(Predecessor)
    /// One that did not answer: it would keep lines from everybody, and drive outputs when it goes on. It has been ended,
    /// with all that it held let go of, where `hasEnded` says so; `pid` is nil where nobody knows which process it is.
    case deaf(pid: Int32?, hasEnded: Bool)
  }

  /// Asks the guardian that listens at `path`; waits half a second for each packet, and two for the end of one that
  /// does not answer.
  static func find(at path: String) -> Finding {
    guard let connection = try? UnixSocket.connect(path, packets: true) else { return .nobody }
    guard let peer = try? Peer(of: connection.number), peer.uid == geteuid() || peer.uid == 0 else { return .guarding }
    let process = PeerProcess(at: connection.number, program: GuardianProgram.name)
    let socket = PacketSocket(connection, patience: 500)
    var kept: [KeptOutput] = []
    var descriptors: [[UInt8]: [Int32]] = [:]
    do throws(SystemError) {
      try socket.send(.hello)
      guard let answer = try socket.receive() else { return .nobody }
      for number in answer.descriptors { close(number) }
      guard case .report(let report) = answer.message else { return .guarding }
      while kept.count < report.outputs, let (message, numbers) = try socket.receive() {
        guard case .kept(let output) = message, output.record.isSound(descriptors: numbers.count) else {
          for number in numbers { close(number) }
          continue
        }
        kept.append(output)
        descriptors[output.record.device] = numbers
      }
      return .predecessor(Predecessor(report, kept, descriptors, socket, process))
    } catch {
      for number in descriptors.values.joined() { close(number) }
      guard error.errno == EAGAIN else { return .nobody }
      return .deaf(pid: process?.pid, hasEnded: process?.end() ?? false)
    }
  }

  private init(
    _ report: GuardianReport, _ outputs: [KeptOutput], _ descriptors: [[UInt8]: [Int32]], _ socket: PacketSocket,
    _ process: PeerProcess?
  ) {
    self.report = report
    self.outputs = outputs
    self.descriptors = descriptors
    self.socket = socket
    self.process = process
  }

  deinit { for number in descriptors.values.joined() { close(number) } }

  /// Takes a device's descriptors over. The guardian keeps its copies until `finish`.
  /// - Returns: the first of them, the caller's to close; nil when it has none, or knows no such device.
  func take(_ device: [UInt8]) -> Int32? {
    outputs.removeAll { $0.record.device == device }
    guard var numbers = descriptors.removeValue(forKey: device), !numbers.isEmpty else { return nil }
    let first = numbers.removeFirst()
    for number in numbers { close(number) }
    return first
  }

  /// Has a device made safe and let go of, and waits until that is done; but not again for one that took too long once,
  /// since a bus that hangs would have every output on it waited for.
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

  /// Ends it; what nobody has taken over becomes safe before. One that does not listen any more is ended the hard way:
  /// what was taken over has another master now.
  func finish() {
    for output in outputs { discard(output.record.device) }
    let isTold = (try? socket.send(.take)) != nil
    guard let process else {
      if isTold { socket.waitForEnd() }
      return
    }
    if !(isTold && process.waitForEnd()) { process.end() }
  }
}

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
  private var descriptors: [[UInt8]: [Int32]] = [:]
  private let socket: PacketSocket

  /// Asks the guardian that listens at `path`.
  /// - Returns: nil when there is none, or one whose daemon lives. One that does not answer is ended: it would keep
  ///   lines from everybody.
  init?(at path: String) {
    guard let connection = try? UnixSocket.connect(path, packets: true), let peer = try? Peer(of: connection.number),
      peer.uid == geteuid() || peer.uid == 0
    else { return nil }
    let socket = PacketSocket(connection, patience: 500)
    var kept: [KeptOutput] = []
    do throws(SystemError) {
      try socket.send(.hello)
      guard case .report(let report)? = try socket.receive()?.message else { return nil }
      while kept.count < report.outputs, let (message, numbers) = try socket.receive() {
        guard case .kept(let output) = message, output.record.isSound(descriptors: numbers.count) else {
          for number in numbers { close(number) }
          continue
        }
        kept.append(output)
        descriptors[output.record.device] = numbers
      }
      self.report = report
    } catch {
      for number in descriptors.values.joined() { close(number) }
      if error.errno == EAGAIN { kill(peer.pid, SIGKILL) }
      return nil
    }
    outputs = kept
    self.socket = socket
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

  /// Has a device made safe and let go of, and waits until that is done.
  func discard(_ device: [UInt8]) {
    if let number = take(device) { close(number) }
    guard (try? socket.send(.discard(device: device))) != nil else { return }
    while let (message, numbers) = try? socket.receive() {
      for number in numbers { close(number) }
      if case .discarded(device, _) = message { return }
    }
  }

  /// Ends it; what nobody has taken over becomes safe before.
  func finish() {
    for output in outputs { discard(output.record.device) }
    guard (try? socket.send(.take)) != nil else { return }
    socket.waitForEnd()
  }
}

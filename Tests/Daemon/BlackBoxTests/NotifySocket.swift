import Glibc
import Linux

/// The service manager's end of sd_notify(3): a datagram socket.
final class NotifySocket {
  let path: String
  private let socket: Descriptor
  private(set) var heard: [String] = []

  init(_ path: String) throws {
    self.path = path
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    socket = try Descriptor(checking: Glibc.socket(AF_UNIX, type, 0), "socket")
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    // SAFETY: a sockaddr_un may be read as the sockaddr it begins with.
    let result = unsafe withUnsafePointer(to: &name) { name in
      unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
        unsafe bind(socket.number, name, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw SystemError("bind", path) }
  }

  func hears(_ message: String) -> Bool { hears { $0 == message } }

  func hears(_ isRight: (String) -> Bool) -> Bool {
    eventually {
      listen()
      return heard.contains(where: isRight)
    }
  }

  /// Waits until no such message has come for a second, ten times the period. Then systemd would act.
  func falls(silentAfter assignment: String) -> Bool {
    var (count, since) = (count(assignment), System.monotonicNanoseconds())
    return eventually {
      let now = self.count(assignment)
      if now != count { (count, since) = (now, System.monotonicNanoseconds()) }
      return System.monotonicNanoseconds() - since > 1_000_000_000
    }
  }

  /// How many messages so far begin with this assignment.
  func count(_ assignment: String) -> Int {
    listen()
    return heard.count { $0 == assignment || $0.hasPrefix("\(assignment)\n") }
  }

  private func listen() {
    while true {
      var message: [UInt8] = []
      guard let count = try? System.read(socket.number, into: &message), count > 0 else { return }
      heard.append(String(decoding: message, as: UTF8.self))
    }
  }
}

import CLinux
import Glibc
import Linux

/// The process at the other end of a Unix socket, as identified by the kernel.
package struct Peer: Sendable, Hashable {
  /// The process that called connect(2) or listen(2).
  package var pid: Int32
  /// Its effective user at that time.
  package var uid: UInt32
  /// Its groups at that time, the effective group first.
  package var groups: [UInt32]

  /// Creates a peer without asking the kernel, for tests.
  package init(pid: Int32, uid: UInt32, groups: [UInt32]) {
    self.pid = pid
    self.uid = uid
    self.groups = groups
  }

  /// Asks the kernel (SO_PEERCRED and SO_PEERGROUPS, unix(7) and socket(7)).
  package init(of socket: Int32) throws(SystemError) {
    var peer = openstarry_peer()
    // SAFETY: the shim hands the kernel the structure and its size.
    guard unsafe openstarry_peer_of(socket, &peer) == 0 else { throw SystemError("SO_PEERCRED") }
    self.init(pid: peer.pid, uid: peer.uid, groups: [peer.gid] + Self.supplementary(socket))
  }

  /// The supplementary groups; empty before Linux 4.13, which cannot report them.
  private static func supplementary(_ socket: Int32) -> [UInt32] {
    // NGROUPS_MAX is 65536. If the buffer is too small, ERANGE comes with the size that is needed.
    var groups = [gid_t](repeating: 0, count: 64)
    for _ in 0..<2 {
      var length = socklen_t(groups.count * MemoryLayout<gid_t>.size)
      // SAFETY: the kernel writes at most `length` bytes, and sets `length` to the size that it needs.
      let result = unsafe getsockopt(socket, SOL_SOCKET, Int32(SO_PEERGROUPS), &groups, &length)
      let count = Int(length) / MemoryLayout<gid_t>.size
      if result == 0 { return Array(groups.prefix(count)) }
      guard errno == ERANGE else { return [] }
      groups = [gid_t](repeating: 0, count: count)
    }
    return []
  }
}

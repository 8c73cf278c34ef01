import Linux
import RPC
import TestKit
import Testing
import Wire

@Suite struct SocketTests {
  private func contents(_ receiver: inout Receiver) throws -> [UInt8]? {
    guard let descriptor = receiver.takeDescriptor() else { return nil }
    return try MemoryFile.read(descriptor)
  }

  @Test func aDescriptorArrivesWithItsLine() throws {
    let (left, right) = try UnixSocket.pair()
    let sender = Descriptor(owning: left)
    let receiver = Descriptor(owning: right)
    let file = try MemoryFile.sealed("test", Array("picture".utf8))
    #expect(try UnixSocket.send(sender.number, Array("first\n".utf8)[...]) == 6)
    #expect(try UnixSocket.send(sender.number, Array("second\n".utf8)[...], with: file.number) == 7)
    var incoming = Receiver()
    #expect(try incoming.nextLine(from: receiver.number).map(Array.init) == Array("first".utf8))
    #expect(try incoming.nextLine(from: receiver.number).map(Array.init) == Array("second".utf8))
    #expect(try contents(&incoming) == Array("picture".utf8))
    #expect(try contents(&incoming) == nil)
  }

  @Test func aPathThatIsTooLongIsReachedThroughItsFolder() throws {
    let folder = try TemporaryFolder()
    let deep = "\(folder.path)/\(String(repeating: "f", count: 150))"
    try Files.makeFolder(deep)
    let path = "\(deep)/control.sock"
    let listener = try UnixSocket.listen(path, mode: 0o600)
    let client = try UnixSocket.connect(path)
    #expect(try UnixSocket.accept(listener.number) != nil)
    #expect(client.number >= 0 && Files.exists(path))
    #expect(throws: SystemError.self) {
      _ = try UnixSocket.connect("\(folder.path)/none/\(String(repeating: "f", count: 100))")
    }
    #expect(throws: SystemError.self) { _ = try UnixSocket.connect("\(deep)/\(String(repeating: "f", count: 108))") }
  }

  @Test func aSealedFileCannotBeChanged() throws {
    let file = try MemoryFile.sealed("test", [1, 2, 3])
    #expect(throws: SystemError.self) { try System.writeAll(file.number, [4]) }
    #expect(try MemoryFile.read(file) == [1, 2, 3])
    #expect(throws: SystemError.self) { _ = try MemoryFile.read(file, limit: 2) }
  }

  @Test func sendingToAClosedPeerIsAnErrorWithoutASignal() throws {
    let (left, right) = try UnixSocket.pair()
    let sender = Descriptor(owning: left)
    do { _ = Descriptor(owning: right) }
    #expect(throws: SystemError.self) { _ = try UnixSocket.send(sender.number, [1][...]) }
  }

  @Test func theKernelReportsUnreadBytes() throws {
    let (left, right) = try UnixSocket.pair()
    let sender = Descriptor(owning: left)
    let receiver = Descriptor(owning: right)
    #expect(UnixSocket.unread(sender.number) == 0)
    _ = try UnixSocket.send(sender.number, [1, 2, 3][...])
    #expect(UnixSocket.unread(sender.number) > 0)
    var buffer: [UInt8] = []
    _ = try System.read(receiver.number, into: &buffer)
    #expect(UnixSocket.unread(sender.number) == 0)
  }

  @Test func theKernelIdentifiesThePeer() throws {
    let (left, right) = try UnixSocket.pair()
    let one = Descriptor(owning: left)
    let other = Descriptor(owning: right)
    let peer = try Peer(of: one.number)
    #expect(peer.pid > 0)
    #expect(!peer.groups.isEmpty)
    #expect(try Peer(of: other.number) == peer)
  }

  @Test func pathsThatDoNotFitAreErrors() {
    for path in ["", String(repeating: "p", count: 108), "a\0b"] {
      #expect(throws: SystemError.self) { _ = try UnixSocket.connect(path) }
    }
  }
}

import Document
import HAL
import Linux
import Model
import TestKit

/// Requests on the control socket, one per line, to a daemon with a simulated board: every request is answered once,
/// nothing leaks, and an emergency stop still works afterwards.
package final class ControlTarget: FuzzTarget {
  package let name = "control"
  package let longest = 12_000
  private let folder: String
  private lazy var requests = RequestMaker(methods: (try? methods()) ?? [])

  /// - Parameter folder: for the home folders of successive daemons.
  package init(folder: String) { self.folder = "\(folder)/control" }

  package var words: [String] { RequestMaker.words }

  package func seeds() throws -> [[UInt8]] {
    let requests = RequestMaker(methods: try methods())
    return requests.plain.map { Array($0.utf8) }
  }

  /// The daemon's own table of methods, to which docs/control.md is compared, too.
  private func methods() throws -> [Value] {
    try withDaemon { daemon in
      let client = try ControlClientEnd(daemon)
      try client.send(Array(#"{"id":1,"method":"daemon.methods"}"#.utf8))
      return client.answers.first { $0["id"]?.int == 1 }?["result"]?["methods"]?.list ?? []
    }
  }

  package func make(_ random: inout SeededGenerator, _ pool: Pool) -> [UInt8]? {
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return nil
    case 1: return requests.mutate(pool.any(&random), &random)
    default: return requests.make(&random)
    }
  }

  private func withDaemon<Answer>(_ body: (TestDaemon) throws -> Answer) throws -> Answer {
    TemporaryFolder.remove(folder)
    try Files.makeFolder(folder)
    let daemon = try TestDaemon(board: FuzzBoard.board, manifests: [FuzzBoard.probe], home: folder)
    daemon.start()
    try daemon.listen()
    let result = Swift.Result { try body(daemon) }
    // End the daemon after a failure, too, so that it does not affect the next one.
    try daemon.end()
    return try result.get()
  }

  package func run(_ input: [UInt8], _ seen: inout Seen) throws {
    seen = try withDaemon { daemon in
      var seen = Seen()
      let client = try ControlClientEnd(daemon)
      for line in input.split(separator: 10) { try client.send(Array(line)) }
      try client.settle()
      try client.check(&seen)
      client.close()
      daemon.loop.pass(.milliseconds(100), step: .milliseconds(10))
      try Self.stop(daemon)
      return seen
    }
  }

  /// Checks that a new client is served and that an emergency stop works.
  static func stop(_ daemon: TestDaemon) throws {
    let client = try ControlClientEnd(daemon)
    defer { client.close() }
    try client.send(Array(#"{"id":1,"method":"daemon.status"}"#.utf8))
    try client.send(Array(#"{"id":2,"method":"hal.emergencyStop"}"#.utf8))
    try client.settle()
    func answer(_ id: Int64) -> Value? { client.answers.first { $0["id"]?.int == id }?["result"] }
    try require(answer(1)?["connections"]?.int == 1, "connections are left: \(answer(1)?["connections"] ?? .null)")
    guard let stopped = answer(2) else { throw Violation("an emergency stop is not answered: \(client.answers)") }
    let unsafe = stopped["not_safe"]?.list ?? []
    // Devices with an injected fault may refuse.
    for device in daemon.hardware.devices() where device.kind == "actuator" {
      let isExcused = unsafe.contains { $0["device"]?.string == device.id.rawValue } || device.fault != nil
      try require(
        isExcused || ["off", "gone", "unknown"].contains(device.state), "\(device.id) is \(device.state) after a stop")
      try require(device.holder == nil, "\(device.id) is held by \(device.holder ?? "") after a stop")
    }
  }
}

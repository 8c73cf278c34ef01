import HAL
import Linux
import Model
import Orchestrator
import TestKit
import Testing

/// Changes that are kept in a file.
@Suite struct ChangeFileTests {
  private let folder: TemporaryFolder
  private var path: String { "\(folder.path)/changes" }
  private static let pump = (id: "pump" as DeviceID, rate: Rate(count: 3, per: .seconds(60)))
  private static let vent = (id: "vent" as DeviceID, rate: Rate(count: 5, per: .seconds(60)))

  init() throws { folder = try TemporaryFolder(in: "/dev/shm") }

  private func open(_ actuators: [(id: DeviceID, rate: Rate)], boot: String = "a-boot") throws -> ChangeFile {
    try ChangeFile(path, boot: boot, actuators: actuators) { Issue.record("\($0)") }
  }

  private func change(_ time: UInt64, away: Bool = false, underWay: Bool = false) -> ActuatorChange {
    ActuatorChange(at: Instant(nanoseconds: time), leadsAway: away, isUnderWay: underWay)
  }

  @Test func whatIsKeptIsThereForTheNext() throws {
    let changes = [change(1), change(4_000_000_000_000_000_001, away: true), change(7, underWay: true)]
    let first = try open([Self.pump, Self.vent])
    #expect(first.changes(of: "pump").isEmpty)
    first.keep([change(9)], of: "pump")
    first.keep(changes, of: "pump")
    first.keep([change(5, away: true, underWay: true)], of: "vent")
    // Not closed: it was killed. The one in between touches nothing.
    _ = try open([Self.vent, Self.pump])
    let third = try open([Self.vent, Self.pump])
    #expect(third.changes(of: "pump") == changes)
    #expect(third.changes(of: "vent") == [change(5, away: true, underWay: true)])
    #expect(third.changes(of: "vent").isEmpty)
  }

  @Test func anotherBootsTimesMeanNothing() throws {
    try open([Self.pump]).keep([change(1)], of: "pump")
    #expect(try open([Self.pump], boot: "another").changes(of: "pump").isEmpty)
    #expect(try open([Self.pump]).changes(of: "pump").isEmpty)
    // Nobody knows which boot it is.
    try open([Self.pump], boot: "").keep([change(1)], of: "pump")
    #expect(try open([Self.pump], boot: "").changes(of: "pump").isEmpty)
  }

  @Test func theBoardMayHaveChanged() throws {
    let first = try open([Self.pump, Self.vent])
    first.keep([change(1), change(2), change(3)], of: "pump")
    first.keep([change(4)], of: "vent")
    let second = try open([("pump", Rate(count: 2, per: .seconds(1)))])
    #expect(second.changes(of: "pump") == [change(1), change(2), change(3)])
    second.keep([change(5)], of: "vent")
    // What it had room for.
    #expect(try open([Self.pump]).changes(of: "pump") == [change(2), change(3)])
  }

  /// As where memory is full: a file beside it cannot be made.
  @Test func whereThereIsNoRoomForAnotherFileItGoesOnWithTheOneItHas() throws {
    try open([Self.pump]).keep([change(1)], of: "pump")
    try Files.makeFolder("\(path).new/in-the-way")
    let second = try open([Self.pump])
    #expect(second.changes(of: "pump") == [change(1)])
    second.keep([change(1), change(2)], of: "pump")
    #expect(try open([Self.pump]).changes(of: "pump") == [change(1), change(2)])
    // Another board's, or another boot's, needs a file of its own.
    #expect(throws: SystemError.self) { try open([Self.vent]) }
    #expect(throws: SystemError.self) { try open([Self.pump], boot: "another") }
  }

  @Test func manyChangesAreCut() throws {
    let many = (id: "pump" as DeviceID, rate: Rate(count: 10_000, per: .seconds(60)))
    let changes = (1...600).map { change($0) }
    try open([many]).keep(changes, of: "pump")
    #expect(try open([many]).changes(of: "pump") == changes.suffix(ActuatorChange.mostKept))
  }

  @Test func whereThereIsNoFolderItSaysSo() throws {
    #expect(throws: SystemError.self) {
      try ChangeFile("\(folder.path)/no/changes", boot: "a", actuators: [Self.pump]) { _ in }
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>) func anythingMayStandThere(seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let first = try open([Self.pump, Self.vent])
    first.keep([change(1), change(2, away: true)], of: "pump")
    first.keep([change(3), change(4)], of: "vent")
    let sound = try Files.read(path)
    for _ in 0..<500 {
      var bytes = sound
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0...bytes.count, using: &random)) }
      if Int.random(in: 0..<20, using: &random) == 0 { bytes = random.bytes(0...300) }
      try folder.write("changes", bytes)
      let file = try open([Self.pump, Self.vent])
      for id in ["pump", "vent"] as [DeviceID] {
        #expect(file.changes(of: id).count <= ActuatorChange.mostKept)
      }
    }
  }
}

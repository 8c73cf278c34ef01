import Model
import Testing

@testable import FaultKit

@Suite struct DiskTests {
  private static let create: Int32 = 3

  private func disk(_ seed: UInt64, isStrict: Bool = true) -> Disk {
    let disk = Disk(seed: seed, folder: "", isStrict: isStrict)
    disk.clock = ManualClock()
    _ = disk.appear(at: "/f")
    return disk
  }

  private func write(_ disk: Disk, _ name: String, _ bytes: [UInt8], synchronises: Bool) {
    #expect(disk.create(name, truncates: true) == 0)
    disk.opened(name, as: 7)
    #expect(disk.write(7, bytes, at: 0) == 0)
    if synchronises { #expect(disk.synchronise(7) == 0) }
    disk.closed(7)
  }

  private func synchroniseFolder(_ disk: Disk) {
    disk.opened("", as: 8)
    #expect(disk.synchronise(8) == 0)
    disk.closed(8)
  }

  @Test func synchronisedDataSurvivesAPowerCut() {
    for seed in 0..<200 as Range<UInt64> {
      let disk = disk(seed)
      write(disk, "a", [1, 2, 3], synchronises: true)
      synchroniseFolder(disk)
      disk.leave()
      disk.cutPower()
      #expect(disk.contents == ["a": [1, 2, 3]])
    }
  }

  @Test func unsynchronisedDataMayBeLost() {
    var outcomes: Set<[String: [UInt8]]> = []
    let long = [UInt8](repeating: 9, count: 1024)
    for seed in 0..<200 as Range<UInt64> {
      let disk = disk(seed)
      write(disk, "a", long, synchronises: false)
      #expect(disk.contents == ["a": long])
      disk.cutPower()
      outcomes.insert(disk.contents)
    }
    // No file; an empty file; the whole file; its first sector; a hole and its second sector.
    let hole = [UInt8](repeating: 0, count: 512) + long.prefix(512)
    #expect(outcomes == [[:], ["a": []], ["a": long], ["a": Array(long.prefix(512))], ["a": hole]])
  }

  @Test func renameIsAtomic() {
    var outcomes: Set<[String: [UInt8]]> = []
    for seed in 0..<100 as Range<UInt64> {
      let disk = disk(seed)
      write(disk, "a", [1], synchronises: true)
      write(disk, "b", [2], synchronises: true)
      synchroniseFolder(disk)
      #expect(disk.rename("b", to: "a") == 0)
      disk.cutPower()
      outcomes.insert(disk.contents)
    }
    #expect(outcomes == [["a": [1], "b": [2]], ["a": [2]]])
  }

  @Test func killLosesNoWrites() {
    let disk = disk(1)
    write(disk, "a", [1], synchronises: false)
    disk.cut(after: 1)
    disk.opened("a", as: 9)
    _ = disk.write(9, [2], at: 1)
    _ = disk.write(9, [3], at: 2)
    disk.leave()
    // Operations by deinits of the dead program's objects are ignored.
    _ = disk.remove("a")
    #expect(disk.appear(at: "/g").map(\.contents) == [[1, 2]])
  }

  @Test func failedFsyncMayLoseVisibleData() {
    var outcomes: Set<[UInt8]> = []
    for seed in 0..<200 as Range<UInt64> {
      let disk = disk(seed)
      write(disk, "a", [1], synchronises: true)
      synchroniseFolder(disk)
      disk.suffer(.sync, until: Instant(nanoseconds: .max))
      disk.opened("a", as: 9)
      _ = disk.write(9, [2], at: 0)
      guard disk.synchronise(9) != 0 else { continue }
      // The next fsync(2) reports success.
      disk.suffer(.sync, until: Instant(nanoseconds: 0))
      #expect(disk.synchronise(9) == 0)
      #expect(disk.contents["a"] == [2])
      disk.cutPower()
      outcomes.insert(disk.contents["a"] ?? [])
    }
    #expect(outcomes == [[1], [2]])
  }

  @Test func fullDiskRefusesGrowth() {
    let disk = disk(1)
    write(disk, "a", [1, 2], synchronises: true)
    disk.suffer(.full, until: Instant(nanoseconds: .max))
    #expect(disk.create("b", truncates: true) == 28)
    disk.opened("a", as: 9)
    #expect(disk.write(9, [3], at: 2) == 28)
    #expect(disk.write(9, [3], at: 1) == 0)
    #expect(disk.refusals == 2)
    #expect(disk.contents["a"] == [1, 3])
  }

  @Test func reservedSpaceStaysUsableOnAFullDisk() {
    let disk = disk(1)
    #expect(disk.create("a", truncates: true) == 0)
    disk.opened("a", as: 9)
    #expect(disk.has(9) && !disk.has(8))
    #expect(disk.allocate(9, 100) == 0)
    disk.suffer(.full, until: Instant(nanoseconds: .max))
    #expect(disk.isFull)
    // A hole has a length but no reserved space.
    #expect(disk.truncate(9, to: 200) == 0)
    #expect(disk.allocate(9, 100) == 0)
    #expect(disk.allocate(9, 101) == 28)
  }

  @Test func writeBeyondTheEndFillsWithZeros() {
    let disk = disk(1)
    #expect(disk.create("a", truncates: true) == 0)
    disk.opened("a", as: 9)
    #expect(disk.write(9, [7, 8], at: 3) == 0)
    #expect(disk.write(9, [1, 2, 3], at: 4) == 0)
    #expect(disk.contents["a"] == [0, 0, 0, 7, 1, 2, 3])
    #expect(disk.truncate(9, to: 4) == 0)
    #expect(disk.contents["a"] == [0, 0, 0, 7])
    #expect(disk.synchronise(9) == 0)
    synchroniseFolder(disk)
    disk.cutPower()
    #expect(disk.contents["a"] == [0, 0, 0, 7])
  }
}

import Linux
import TestKit
import Testing

@Suite struct ClockChipTests {
  @Test func oneAgreeingClockIsEnough() throws {
    let folder = try TemporaryFolder()
    #expect(!ClockChip.agrees(with: 1_800_000_000, folder: folder.path))
    #expect(!ClockChip.agrees(with: 1_800_000_000, folder: "\(folder.path)/none"))
    // A clock with an empty battery, and one that does not answer.
    try folder.write("rtc0/since_epoch", "1234\n")
    try folder.write("rtc1/name", "rtc-ds1307\n")
    #expect(!ClockChip.agrees(with: 1_800_000_000, folder: folder.path))
    try folder.write("rtc2/since_epoch", "1799999990\n")
    #expect(ClockChip.agrees(with: 1_800_000_000, folder: folder.path))
    #expect(!ClockChip.agrees(with: 1_800_003_600, folder: folder.path))
    #expect(!ClockChip.agrees(with: 1_799_990_000, folder: folder.path))
  }
}

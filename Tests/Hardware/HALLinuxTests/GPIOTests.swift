import CGPIOD
import EventLoop
import HAL
import Model
import TestKit
import Testing

@testable import HALLinux

@Suite struct GPIOTests {
  // MARK: Settings in libgpiod

  /// libgpiod's translation of the options.
  private struct Stored: Equatable {
    var direction: gpiod_line_direction
    var edges: gpiod_line_edge
    var bias: gpiod_line_bias
    var drive: gpiod_line_drive
    var clock: gpiod_line_clock
    var value: gpiod_line_value
    var activeLow: Bool
    var microseconds: UInt
  }

  /// Reads the settings back from a line configuration.
  private func stored(_ options: LineOptions) throws -> Stored {
    guard let settings = LineSettings(options) else { throw LineFailure.impossible("no memory") }
    let stored: Stored? = unsafe settings.withConfiguration(of: 7) { configuration -> Stored? in
      // SAFETY: libgpiod returns a copy, which is freed here.
      guard let copy = unsafe gpiod_line_config_get_line_settings(configuration, 7) else { return nil }
      defer { unsafe gpiod_line_settings_free(copy) }
      return unsafe Stored(
        direction: gpiod_line_settings_get_direction(copy), edges: gpiod_line_settings_get_edge_detection(copy),
        bias: gpiod_line_settings_get_bias(copy), drive: gpiod_line_settings_get_drive(copy),
        clock: gpiod_line_settings_get_event_clock(copy), value: gpiod_line_settings_get_output_value(copy),
        activeLow: gpiod_line_settings_get_active_low(copy),
        microseconds: gpiod_line_settings_get_debounce_period_us(copy))
    }
    return try #require(stored)
  }

  @Test func inputSettings() throws {
    let stored = try stored(
      LineOptions(
        chip: "c", line: "l", activeLow: true, bias: .pullUp, use: .input(debounce: .milliseconds(5))))
    #expect(stored.direction == GPIOD_LINE_DIRECTION_INPUT)
    #expect(stored.edges == GPIOD_LINE_EDGE_BOTH)
    #expect(stored.bias == GPIOD_LINE_BIAS_PULL_UP)
    #expect(stored.clock == GPIOD_LINE_CLOCK_MONOTONIC)
    #expect(stored.activeLow)
    #expect(stored.microseconds == 5000)
  }

  @Test(arguments: [
    (LineOptions.Drive.pushPull, GPIOD_LINE_DRIVE_PUSH_PULL.rawValue, true),
    (.openDrain, GPIOD_LINE_DRIVE_OPEN_DRAIN.rawValue, false),
    (.openSource, GPIOD_LINE_DRIVE_OPEN_SOURCE.rawValue, true),
  ])
  func outputSettings(_ drive: LineOptions.Drive, _ expected: UInt32, _ initial: Bool) throws {
    let stored = try stored(
      LineOptions(chip: "c", line: "l", bias: .disabled, use: .output(drive, initial: initial)))
    #expect(stored.direction == GPIOD_LINE_DIRECTION_OUTPUT)
    #expect(stored.drive.rawValue == expected)
    #expect(stored.bias == GPIOD_LINE_BIAS_DISABLED)
    #expect(stored.value == (initial ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE))
    #expect(!stored.activeLow)
  }

  // MARK: Edges

  @Test func gapsAreLostEdges() {
    var sequence = EdgeSequence()
    #expect([5, 6, 9, 10, 10, 3, 4].map { sequence.gap(before: $0) } == [0, 0, 2, 0, 0, 0, 0])
    var later = EdgeSequence(after: 2)
    #expect([6, 7].map { later.gap(before: $0) } == [3, 0])
    var wrapping = EdgeSequence(after: .max - 1)
    #expect([.max, 0, 2].map { wrapping.gap(before: $0) } == [0, 0, 1])
  }

  /// A line that bounces under a debouncer of 10 ms.
  private final class LineBench {
    let clock = ManualClock()
    var level = false
    var changes: [Edge] = []
    private(set) var debouncer: Debouncer?
    private var count: UInt32 = 0

    init() {
      debouncer = Debouncer(isActive: false, period: .milliseconds(10), clock: clock) { [unowned self] in
        level
      } onChange: { [unowned self] in
        changes.append($0)
      }
    }

    func edge(_ active: Bool) {
      level = active
      count += 1
      debouncer?.take(Edge(isActive: active, time: clock.now, sequence: count))
    }
  }

  @Test func aBounceChangesNothing() {
    let bench = LineBench()
    bench.edge(true)
    bench.clock.advance(by: .milliseconds(9))
    bench.edge(false)
    bench.clock.advance(by: .milliseconds(100))
    #expect(bench.changes.isEmpty)
    #expect(bench.debouncer?.isActive == false)
  }

  @Test func aLastingChangeIsOneChange() {
    let bench = LineBench()
    for active in [true, false, true, false, true] {
      bench.edge(active)
      bench.clock.advance(by: .milliseconds(1))
    }
    let settled = bench.clock.now + .milliseconds(9)
    bench.clock.advance(by: .milliseconds(8))
    #expect(bench.changes.isEmpty)
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.changes == [Edge(isActive: true, time: settled, sequence: 1)])
    bench.edge(false)
    bench.clock.advance(by: .milliseconds(10))
    #expect(bench.changes.map(\.isActive) == [true, false])
    #expect(bench.changes.map(\.sequence) == [1, 2])
  }

  @Test func theLevelCountsWhenEdgesGotLost() {
    let bench = LineBench()
    bench.edge(true)
    bench.level = false
    bench.clock.advance(by: .milliseconds(10))
    #expect(bench.changes.isEmpty)
  }

  @Test func aCancelledChangeIsDropped() {
    let bench = LineBench()
    bench.edge(true)
    bench.debouncer?.cancel()
    bench.clock.advance(by: .seconds(1))
    #expect(bench.changes.isEmpty)
    #expect(bench.clock.waiting == 0)
  }

  // MARK: Chips

  @Test func pausesGrow() {
    var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
    #expect((0..<6).map { _ in backoff.next() } == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
    backoff.reset()
    #expect(backoff.next() == .milliseconds(100))
  }

  @Test func aMissingChipIsNamed() throws {
    // A plain file must not be mistaken for a chip.
    let tree = try FixtureTree(["/dev/gpiochip0": "", "/dev/null2": ""])
    do throws(LineFailure) {
      let options = LineOptions(chip: "pinctrl-bcm2711", line: "4", use: .input(debounce: .zero))
      _ = try GPIOChip.find(options, in: "\(tree.root)/dev")
      Issue.record("a chip was found")
    } catch {
      guard case .absent(let why) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(why.hasPrefix("no GPIO chip 'pinctrl-bcm2711' under \(tree.root)/dev: there is none"))
    }
  }

  @Test func nodesComeAndGo() throws {
    let tree = try FixtureTree(["/dev/null2": ""])
    let loop = try EventLoop()
    let nodes = NodeWatch(loop: loop, folder: "\(tree.root)/dev")
    var seen: [String] = []
    let subscriber = nodes.add("gpiochip") { path, change in seen.append("\(change) \(path)") }
    try tree.write("/dev/video0", "")
    try tree.write("/dev/gpiochip7", "")
    loop.turn { !seen.isEmpty }
    #expect(seen.first == "appeared \(tree.root)/dev/gpiochip7")
    seen = []
    TemporaryFolder.remove("\(tree.root)/dev/gpiochip7")
    loop.turn { seen.contains { $0.hasPrefix("vanished") } }
    #expect(seen.allSatisfy { $0.hasSuffix("gpiochip7") })
    nodes.remove(subscriber)
    seen = []
    try tree.write("/dev/gpiochip8", "")
    loop.turn(wait: false)
    #expect(seen.isEmpty)
  }

  @Test func inotifyRecordsAreTakenApart() {
    func record(_ mask: UInt32, _ name: String, padding: Int) -> [UInt8] {
      let bytes = Array(name.utf8) + [UInt8](repeating: 0, count: padding)
      func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
      return word(1) + word(mask) + word(0) + word(UInt32(bytes.count)) + bytes
    }
    let bytes = record(0x100, "gpiochip1", padding: 7) + record(0x200, "a", padding: 3) + record(0x8000, "", padding: 0)
    let events = NodeWatch.events(bytes)
    #expect(events.map(\.name) == ["gpiochip1", "a"])
    #expect(events.map(\.change) == [.appeared, .vanished])
    // A truncated record is ignored.
    for count in 0..<bytes.count { #expect(NodeWatch.events(Array(bytes.prefix(count))).count <= 2) }
  }
}

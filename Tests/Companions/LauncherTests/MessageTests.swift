import Companion
import Launcher
import Testing

/// The protocol between daemon and launcher as bytes.
@Suite struct MessageTests {
  private static var plan: LaunchPlan {
    var limits = LaunchLimits()
    limits.memory = 1 << 40
    limits.cpu = 20_000
    limits.tasks = 64
    limits.descriptors = 256
    limits.fileSize = 7
    return LaunchPlan(
      id: 9, name: Array("climate-9".utf8),
      words: [Array("/usr/bin/bwrap".utf8), [], Array(repeating: 0x61, count: 300)],
      environment: [Array("A=b c".utf8)], limits: limits, kind: .container,
      data: Array("/var/lib/x".utf8))
  }

  static var all: [LauncherMessage] {
    [
      .start(plan), .signal(id: 1, number: 15), .kill(id: 2), .measure(id: 3),
      .ready(LauncherFacts(uid: 65534, controllers: [.groups, .pids], landlock: 7)), .started(id: 4, pid: 4711),
      .refused(id: 5, step: .group, errno: 13),
      .usage(id: 6, LaunchUsage(cpu: 1 << 50, memory: 3, tasks: 2, data: 1 << 40)),
      .ended(id: 7, LaunchEnd(code: 137, isOutOfMemory: true, cpu: 5, peak: 6)),
      .ended(id: 8, away),
    ]
  }

  private static var away: LaunchEnd {
    var end = LaunchEnd(code: 125)
    end.isEngineAway = true
    return end
  }

  @Test(arguments: all.indices) func comesBackAsItWas(_ index: Int) {
    let message = Self.all[index]
    #expect(LauncherMessage(message.bytes) == message)
  }

  @Test(arguments: all.indices) func cutAnywhereItIsNoMessage(_ index: Int) {
    let bytes = Self.all[index].bytes
    for length in 0..<bytes.count { #expect(LauncherMessage(Array(bytes.prefix(length))) == nil) }
  }

  /// Messages of earlier layouts, which end before the newest fields.
  @Test func earlierLayoutsAreRead() {
    func shortened(_ message: LauncherMessage, by count: Int) -> LauncherMessage? {
      var bytes = Array(message.bytes.dropLast(count))
      (bytes[4], bytes[5]) = (UInt8(bytes.count & 0xFF), UInt8(bytes.count >> 8))
      return LauncherMessage(bytes)
    }
    var plan = Self.plan
    let length = plan.data.count
    plan.data = []
    #expect(shortened(.start(Self.plan), by: 2 + length) == .start(plan))
    plan.kind = .program
    #expect(shortened(.start(Self.plan), by: 3 + length) == .start(plan))
    #expect(shortened(.start(Self.plan), by: 1) == nil && shortened(.start(Self.plan), by: length) == nil)
    #expect(
      shortened(.usage(id: 6, LaunchUsage(cpu: 1, memory: 3, tasks: 2, data: 9)), by: 8)
        == .usage(id: 6, LaunchUsage(cpu: 1, memory: 3, tasks: 2)))
  }

  @Test func damagedBytesNeverTrap() {
    var random = SystemRandomNumberGenerator()
    for message in Self.all {
      for _ in 0..<2000 {
        var bytes = message.bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
        }
        if let read = LauncherMessage(bytes), case .start(let plan) = read { #expect(plan.isSound) }
      }
    }
  }

  @Test(arguments: [
    LaunchPlan(id: 1, name: Array("a/b".utf8), words: [Array("/x".utf8)]),
    LaunchPlan(id: 1, name: Array("..".utf8), words: [Array("/x".utf8)]),
    LaunchPlan(id: 1, name: [], words: [Array("/x".utf8)]), LaunchPlan(id: 1, name: Array("a".utf8), words: []),
    LaunchPlan(id: 1, name: Array("a".utf8), words: [Array("relative".utf8)]),
    LaunchPlan(id: 1, name: Array("a".utf8), words: [Array("/x".utf8), [0x61, 0]]),
    LaunchPlan(id: 1, name: Array("a".utf8), words: [Array("/x".utf8)], environment: [[0]]),
    LaunchPlan(id: 1, name: Array("a".utf8), words: [Array("/x".utf8)], data: Array("relative".utf8)),
    LaunchPlan(id: 1, name: Array("a".utf8), words: [Array("/x".utf8)], data: [0x2F, 0]),
  ]) func unusablePlansAreNoMessages(_ plan: LaunchPlan) {
    #expect(!plan.isSound && LauncherMessage(LauncherMessage.start(plan).bytes) == nil)
  }
}

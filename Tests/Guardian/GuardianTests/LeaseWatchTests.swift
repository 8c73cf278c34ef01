import Guardian
import TestKit
import Testing

@Suite struct LeaseWatchTests {
  private static let grace = LeaseWatch.grace

  /// A model of daemon and guardian with a shared page, and packets with latency.
  private struct Model {
    var now: UInt64 = 1000
    var page: [UInt64?]
    var daemon = LeaseWatch()
    var guardian = LeaseWatch()
    var look: UInt64?
    var packets: [(arrives: UInt64, deadline: UInt64)] = []
    var overruled: [UInt64?]
    var looks = 0
    var told = 0
    var holds = 0

    init(slots: Int) {
      page = Array(repeating: nil, count: slots)
      overruled = page
    }

    mutating func hold(_ slot: Int, until deadline: UInt64, latency: UInt64) {
      holds += 1
      page[slot] = deadline
      if daemon.mustTell(deadline, now: now) {
        told += 1
        packets.append((max(now + latency, packets.last?.arrives ?? 0), deadline))
      }
    }

    /// One turn of the guardian.
    mutating func turn() {
      while let packet = packets.first, packet.arrives <= now {
        packets.removeFirst()
        guardian.hear(packet.deadline)
        look = min(look ?? .max, LeaseWatch.look(packet.deadline))
      }
      guard let look, look <= now else { return }
      looks += 1
      for slot in page.indices {
        if let deadline = page[slot], LeaseWatch.isOverdue(deadline, now: now) { overruled[slot] = deadline }
      }
      let open = page.indices.compactMap { page[$0] != overruled[$0] ? page[$0] : nil }
      self.look = guardian.next(after: now, earliest: open.min())
    }

    func isOverlooked(_ slot: Int, latency: UInt64) -> Bool {
      guard let deadline = page[slot], overruled[slot] != deadline else { return false }
      return LeaseWatch.look(deadline) + latency < now
    }
  }

  /// For any sequence of leases, renewals and releases, and any time at which the daemon hangs: overdue leases are
  /// detected in time, no other lease is touched, and without leases the guardian never wakes up.
  @Test(arguments: [UInt64](1...40)) func nothingIsOverlooked(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    let latency: UInt64 = seed % 2 == 0 ? 0 : 30_000_000
    var model = Model(slots: 4)
    for _ in 0..<40 {
      // The daemon works and ends each lease in time.
      for _ in 0..<100 {
        let step = UInt64.random(in: 0...200_000_000, using: &random)
        // In between the guardian wakes up whenever it is due.
        let end = model.now + step
        while let next = [model.look, model.packets.first?.arrives].compactMap({ $0 }).min(), next <= end {
          model.now = max(model.now, next)
          for slot in 0..<4 { if let deadline = model.page[slot], deadline <= model.now { model.page[slot] = nil } }
          model.turn()
        }
        model.now = end
        for slot in 0..<4 { if let deadline = model.page[slot], deadline <= model.now { model.page[slot] = nil } }
        model.turn()
        let slot = Int.random(in: 0..<4, using: &random)
        if Int.random(in: 0..<3, using: &random) == 0 {
          model.page[slot] = nil
        } else {
          let length = UInt64.random(
            in: 1...(Bool.random(using: &random) ? 300_000_000 : 5_000_000_000), using: &random)
          model.hold(slot, until: model.now + length, latency: UInt64.random(in: 0...latency, using: &random))
        }
        #expect(model.overruled.allSatisfy { $0 == nil })
      }
      // The daemon is stuck for a while.
      let end = model.now + UInt64.random(in: 0...8_000_000_000, using: &random)
      let held = model.page
      while model.now < end {
        model.turn()
        for slot in 0..<4 {
          #expect(!model.isOverlooked(slot, latency: latency))
          if let deadline = model.overruled[slot] {
            #expect(deadline == held[slot] && deadline + Self.grace <= model.now)
          }
        }
        model.now += 1_000_000
      }
      // It answers again, and ends the overruled leases.
      for slot in 0..<4 { if let deadline = model.page[slot], deadline <= model.now { model.page[slot] = nil } }
      model.overruled = [nil, nil, nil, nil]
    }
    model.page = [nil, nil, nil, nil]
    for _ in 0..<4 {
      model.now += 6_000_000_000
      model.turn()
    }
    #expect(model.look == nil)
    // One packet covers many leases.
    #expect(model.told < model.holds)
  }

  @Test func onePacketCoversAllLaterDeadlines() {
    var watch = LeaseWatch()
    var packets = 0
    // On for a second and off for a second, with leases of a minute, for an hour.
    for second in stride(from: UInt64(0), to: 3600, by: 2) {
      let now = second * 1_000_000_000
      if watch.mustTell(now + 60_000_000_000, now: now) { packets += 1 }
    }
    // Every 60.25 s, at the next even second.
    #expect(packets == 3600 / 62 + 1)
  }

  @Test func withinTheGraceTheLeaseIsTheDaemons() {
    #expect(!LeaseWatch.isOverdue(1000, now: 1000 + Self.grace - 1))
    #expect(LeaseWatch.isOverdue(1000, now: 1000 + Self.grace))
    // No overflow.
    #expect(LeaseWatch.look(.max) == .max && LeaseWatch.look(.max - 1) == .max)
    var watch = LeaseWatch()
    #expect(watch.next(after: 0, earliest: nil) == nil)
    #expect(watch.next(after: 0, earliest: 7) == 7 + Self.grace)
    watch.hear(5)
    #expect(watch.next(after: 0, earliest: 7) == 5 + Self.grace)
    #expect(watch.next(after: 5 + Self.grace, earliest: nil) == nil)
  }
}

import Guardian
import TestKit
import Testing

@Suite struct HolderPageTests {
  /// Memory for a page; its deinit frees it.
  @safe private final class Memory {
    let base: UnsafeMutableRawPointer
    let count: Int

    init(_ count: Int) {
      unsafe base = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
      self.count = count
      unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    }

    deinit { unsafe base.deallocate() }

    var bytes: [UInt8] {
      get { (0..<count).map { unsafe base.load(fromByteOffset: $0, as: UInt8.self) } }
      set {
        for (place, byte) in newValue.enumerated() {
          unsafe base.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
        }
      }
    }
  }

  private struct Change {
    var slot: Int
    var hold: OutputHold?

    init(slots: Int, _ random: inout SeededGenerator) {
      slot = Int.random(in: 0..<slots, using: &random)
      guard Int.random(in: 0..<4, using: &random) > 0 else { return }
      hold = OutputHold(
        level: Double.random(in: 0...1, using: &random), deadline: random.next(), since: random.next(),
        isCutByMaxOn: Bool.random(using: &random), holder: random.bytes(0...OutputHold.longestHolder))
    }

    func apply(to page: HolderPage) {
      guard let hold else { return page.release(slot) }
      page.hold(
        slot, level: hold.level, deadline: hold.deadline, since: hold.since, isCutByMaxOn: hold.isCutByMaxOn,
        holder: hold.holder)
    }
  }

  @Test func theReaderSeesEveryChange() throws {
    let memory = Memory(HolderPage.size(slots: 5))
    let page = unsafe HolderPage(new: memory.base, slots: 5)
    let reader = try #require(unsafe HolderPage(memory.base, bytes: memory.count))
    #expect(reader.slots == 5)
    var random = SeededGenerator(1)
    var expected = [OutputHold?](repeating: nil, count: 5)
    for _ in 0..<2000 {
      let change = Change(slots: 5, &random)
      change.apply(to: page)
      expected[change.slot] = change.hold
      #expect((0..<5).map(reader.hold) == expected)
    }
  }

  /// A death between any two bytes of a change leaves the old or the new lease.
  @Test func anInterruptedChangeLeavesNoMixture() throws {
    let memory = Memory(HolderPage.size(slots: 2))
    let page = unsafe HolderPage(new: memory.base, slots: 2)
    var random = SeededGenerator(2)
    for _ in 0..<400 {
      let change = Change(slots: 2, &random)
      let (before, old) = (memory.bytes, page.hold(change.slot))
      change.apply(to: page)
      let (after, new) = (memory.bytes, page.hold(change.slot))
      let changed = before.indices.filter { before[$0] != after[$0] }
      // The counter that selects the copy is written last, and is the lowest changed byte. The other bytes may have
      // been written in any order.
      let counts = try #require(changed.first)
      for _ in 0..<8 {
        var torn = before
        for place in changed where place != counts && Bool.random(using: &random) { torn[place] = after[place] }
        memory.bytes = torn
        #expect(page.hold(change.slot) == old)
      }
      memory.bytes = after
      #expect(page.hold(change.slot) == new)
    }
  }

  @Test func longHolderNamesAreTruncated() {
    let memory = Memory(HolderPage.size(slots: 1))
    let page = unsafe HolderPage(new: memory.base, slots: 1)
    page.hold(0, level: 1, deadline: 1, since: 0, isCutByMaxOn: false, holder: [UInt8](repeating: 0x61, count: 300))
    #expect(page.hold(0)?.holder.count == OutputHold.longestHolder)
    // Slots that do not exist have no lease.
    page.release(1)
    page.release(-1)
    #expect(page.hold(1) == nil && page.hold(-1) == nil)
  }

  @Test func corruptMemoryIsHarmless() {
    var random = SeededGenerator(3)
    let memory = Memory(HolderPage.size(slots: 3))
    for _ in 0..<3000 {
      let page = unsafe HolderPage(new: memory.base, slots: 3)
      var bytes = memory.bytes
      for _ in 0..<Int.random(in: 1...200, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      memory.bytes = bytes
      guard let read = unsafe HolderPage(memory.base, bytes: Int.random(in: 0...memory.count, using: &random)) else {
        continue
      }
      for slot in -1..<read.slots + 1 {
        guard let hold = read.hold(slot) else { continue }
        #expect((0...1).contains(hold.level) && hold.holder.count <= OutputHold.longestHolder)
      }
      _ = page
    }
  }
}

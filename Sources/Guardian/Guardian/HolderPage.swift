import CLinux

/// Memory that daemon and guardian share, in which the daemon says who holds what: a lease changes without a system
/// call, and the words are there when the daemon is not.
///
/// A slot has two copies and a count of its changes, whose lowest bit says which copy counts. A change goes into the other
/// one, and then that one counts: at whatever instruction the daemon dies, the page says what was before or what is after,
/// never a mixture. Who reads while the daemon lives knows by the count that both copies have been written meanwhile.
///
/// SAFETY: `base` points to `Self.size(slots:)` bytes that stay mapped as long as the page; slots are compared with
/// their number before each access. Only one side writes.
@safe public struct HolderPage {
  private let base: UnsafeMutableRawPointer
  /// How many actuators have a place.
  public let slots: Int

  private static let mark: UInt32 = 0x4F53_4850
  private static let layout: UInt32 = 1
  private static let headerSize = 64
  private static let copySize = 124
  private static let slotSize = 256

  /// How many bytes a page needs.
  public static func size(slots: Int) -> Int { headerSize + slots * slotSize }

  /// A new page in memory that is all zero: nobody holds anything.
  /// - Parameter base: `size(slots:)` bytes that outlive the page.
  public init(new base: UnsafeMutableRawPointer, slots: Int) {
    unsafe self.base = base
    self.slots = slots
    unsafe base.storeBytes(of: Self.mark, as: UInt32.self)
    unsafe base.storeBytes(of: Self.layout, toByteOffset: 4, as: UInt32.self)
    unsafe base.storeBytes(of: UInt32(slots), toByteOffset: 8, as: UInt32.self)
  }

  /// The page that somebody else has made; nil when it is none, or longer than the memory.
  /// - Parameter bytes: how much memory there is.
  public init?(_ base: UnsafeMutableRawPointer, bytes: Int) {
    guard bytes >= Self.headerSize, unsafe base.load(as: UInt32.self) == Self.mark,
      unsafe base.load(fromByteOffset: 4, as: UInt32.self) == Self.layout
    else { return nil }
    let slots = Int(unsafe base.load(fromByteOffset: 8, as: UInt32.self))
    guard slots <= (bytes - Self.headerSize) / Self.slotSize else { return nil }
    unsafe self.base = base
    self.slots = slots
  }

  /// Says that `holder` holds the actuator of a slot. Costs no system call and no memory.
  /// - Parameter holder: UTF-8; what is longer than `OutputHold.longestHolder` is cut.
  public func hold(
    _ slot: Int, level: Double, deadline: UInt64, since: UInt64, isCutByMaxOn: Bool, holder: some Sequence<UInt8>
  ) {
    unsafe change(slot) { copy in
      unsafe copy.storeBytes(of: level, as: Double.self)
      unsafe copy.storeBytes(of: deadline, toByteOffset: 8, as: UInt64.self)
      unsafe copy.storeBytes(of: since, toByteOffset: 16, as: UInt64.self)
      var count = 0
      for byte in holder where count < OutputHold.longestHolder {
        unsafe copy.storeBytes(of: byte, toByteOffset: 32 + count, as: UInt8.self)
        count += 1
      }
      unsafe copy.storeBytes(of: 1, toByteOffset: 24, as: UInt8.self)
      unsafe copy.storeBytes(of: isCutByMaxOn ? 1 : 0, toByteOffset: 25, as: UInt8.self)
      unsafe copy.storeBytes(of: UInt8(count), toByteOffset: 26, as: UInt8.self)
    }
  }

  /// Says that nobody holds it.
  public func release(_ slot: Int) {
    unsafe change(slot) { copy in unsafe copy.storeBytes(of: 0, toByteOffset: 24, as: UInt8.self) }
  }

  /// Who holds the actuator of a slot; nil for nobody, for a slot that is not there, and for what makes no sense.
  ///
  /// While the writer lives, a change under way may show the hold before.
  public func hold(_ slot: Int) -> OutputHold? {
    guard slot >= 0, slot < slots else { return nil }
    let place = unsafe base + Self.headerSize + slot * Self.slotSize
    let counts = unsafe UnsafePointer(place.assumingMemoryBound(to: UInt32.self))
    // A writer that goes on and on is no reason to wait for ever.
    for _ in 0..<100 {
      let current = unsafe openstarry_load_acquire(counts)
      let hold = unsafe read(place, current)
      openstarry_fence()
      if unsafe openstarry_load_acquire(counts) == current { return hold }
    }
    return nil
  }

  private func read(_ place: UnsafeMutableRawPointer, _ current: UInt32) -> OutputHold? {
    let copy = unsafe place + 8 + Int(current & 1) * Self.copySize
    guard unsafe copy.load(fromByteOffset: 24, as: UInt8.self) == 1 else { return nil }
    let level = unsafe copy.loadUnaligned(as: Double.self)
    let count = Int(unsafe copy.load(fromByteOffset: 26, as: UInt8.self))
    guard level >= 0, level <= 1, count <= OutputHold.longestHolder else { return nil }
    var holder: [UInt8] = []
    for index in 0..<count { holder.append(unsafe copy.load(fromByteOffset: 32 + index, as: UInt8.self)) }
    return OutputHold(
      level: level, deadline: unsafe copy.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
      since: unsafe copy.loadUnaligned(fromByteOffset: 16, as: UInt64.self),
      isCutByMaxOn: unsafe copy.load(fromByteOffset: 25, as: UInt8.self) == 1, holder: holder)
  }

  private func change(_ slot: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
    guard slot >= 0, slot < slots else { return }
    let place = unsafe base + Self.headerSize + slot * Self.slotSize
    let counts = unsafe place.assumingMemoryBound(to: UInt32.self)
    let next = unsafe counts.pointee &+ 1
    // Nobody may see the copy change who has not seen that it no longer counts.
    openstarry_fence()
    unsafe write(place + 8 + Int(next & 1) * Self.copySize)
    unsafe openstarry_store_release(counts, next)
  }
}

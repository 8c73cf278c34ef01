import CLinux

/// Memory shared by daemon and guardian, in which the daemon stores the leases: it changes them without a system call,
/// and they outlive it.
///
/// A slot has two copies and a change counter, whose lowest bit selects the valid copy. A change is written to the
/// other copy and made valid by incrementing the counter, so that at whatever instruction the daemon dies, the slot
/// holds the old or the new lease, never a mixture. A reader compares the counter before and after, and retries when it
/// has changed.
///
/// SAFETY: `base` points to `Self.size(slots:)` bytes that stay mapped as long as the page; slot numbers are checked
/// before each access. Only one side writes.
@safe package struct HolderPage {
  private let base: UnsafeMutableRawPointer
  /// The number of slots, one per actuator.
  package let slots: Int

  private static let mark: UInt32 = 0x4F53_4850
  private static let layout: UInt32 = 1
  private static let headerSize = 64
  private static let copySize = 124
  private static let slotSize = 256

  /// The size of a page in bytes.
  package static func size(slots: Int) -> Int { headerSize + slots * slotSize }

  /// Creates a page without leases.
  /// - Parameters:
  ///   - base: `size(slots:)` bytes of zeros, which must outlive the page.
  ///   - slots: the number of actuators.
  package init(new base: UnsafeMutableRawPointer, slots: Int) {
    unsafe self.base = base
    self.slots = slots
    unsafe base.storeBytes(of: Self.mark, as: UInt32.self)
    unsafe base.storeBytes(of: Self.layout, toByteOffset: 4, as: UInt32.self)
    unsafe base.storeBytes(of: UInt32(slots), toByteOffset: 8, as: UInt32.self)
  }

  /// Opens a page that another process has created; nil when the memory holds no page, or is too short for it.
  /// - Parameters:
  ///   - base: the memory, which must outlive the page.
  ///   - bytes: the size of the memory.
  package init?(_ base: UnsafeMutableRawPointer, bytes: Int) {
    guard bytes >= Self.headerSize, unsafe base.load(as: UInt32.self) == Self.mark,
      unsafe base.load(fromByteOffset: 4, as: UInt32.self) == Self.layout
    else { return nil }
    let slots = Int(unsafe base.load(fromByteOffset: 8, as: UInt32.self))
    guard slots <= (bytes - Self.headerSize) / Self.slotSize else { return nil }
    unsafe self.base = base
    self.slots = slots
  }

  /// Stores a lease, without a system call or an allocation. Ignores a slot that does not exist.
  /// - Parameters:
  ///   - level: 0 to 1.
  ///   - deadline: when it ends, in nanoseconds of the monotonic clock.
  ///   - since: when the actuator left its safe state, in nanoseconds of the monotonic clock.
  ///   - holder: UTF-8, truncated to `OutputHold.longestHolder` bytes.
  package func hold(
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

  /// Erases the lease of a slot.
  package func release(_ slot: Int) {
    unsafe change(slot) { copy in unsafe copy.storeBytes(of: 0, toByteOffset: 24, as: UInt8.self) }
  }

  /// The lease of a slot; nil without one, for a slot that does not exist, and for invalid content.
  ///
  /// While the writer lives, a change in progress may not be visible yet.
  package func hold(_ slot: Int) -> OutputHold? {
    guard slot >= 0, slot < slots else { return nil }
    let place = unsafe base + Self.headerSize + slot * Self.slotSize
    let counts = unsafe UnsafePointer(place.assumingMemoryBound(to: UInt32.self))
    // Bounded, in case the writer changes the slot again and again.
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
    // A reader that sees this copy change must also see that the other copy is the valid one.
    openstarry_fence()
    unsafe write(place + 8 + Int(next & 1) * Self.copySize)
    unsafe openstarry_store_release(counts, next)
  }
}

import Model

/// A model of one folder on a disk: the contents that programs see, and the contents after a power cut.
///
/// Programs see every write immediately. Only data that fsync(2) has confirmed is certain to survive a power cut; a
/// later write survives as a whole, in some of its sectors, or not at all. Changes of names are durable after an fsync
/// of the folder or, as on ext4, of any file; before that, a power cut loses the newest changes first.
package final class Disk {
  /// One file, independent of its name.
  final class File {
    /// The contents that programs see.
    var contents: [UInt8] = []
    /// The contents that are certainly on the disk.
    fileprivate var kept: [UInt8] = []
    fileprivate var pending: [Change] = []
    /// The number of reserved bytes.
    fileprivate var allocated = 0
  }

  fileprivate enum Change {
    case write(offset: Int, [UInt8])
    case truncate(Int)

    /// - Parameter isTaken: whether the sector with this number is on the disk.
    func apply(to contents: inout [UInt8], _ isTaken: ((Int) -> Bool)? = nil) {
      switch self {
      case .write(let offset, let bytes):
        guard let isTaken else { return Self.write(bytes, at: offset, to: &contents) }
        var start = 0
        while start < bytes.count {
          let end = min(bytes.count, ((offset + start) / 512 + 1) * 512 - offset)
          defer { start = end }
          if isTaken((offset + start) / 512) { Self.write(bytes[start..<end], at: offset + start, to: &contents) }
        }
      case .truncate(let size):
        if isTaken?(0) ?? true { Self.truncate(&contents, to: size) }
      }
    }

    private static func write<Bytes: RandomAccessCollection<UInt8>>(
      _ bytes: Bytes, at offset: Int, to contents: inout [UInt8]
    ) {
      if contents.count < offset { truncate(&contents, to: offset) }
      contents.replaceSubrange(offset..<min(contents.count, offset + bytes.count), with: bytes)
    }

    private static func truncate(_ contents: inout [UInt8], to size: Int) {
      if size < contents.count { return contents.removeLast(contents.count - size) }
      contents += [UInt8](repeating: 0, count: size - contents.count)
    }
  }

  /// The faults of a disk.
  package enum Trouble: Hashable, Sendable { case slow, full, sync, write }

  /// The end of each current fault.
  private var troubles: [Trouble: Instant] = [:]
  private var files: [String: File] = [:]
  private var keptNames: [String: File] = [:]
  /// Changes of names since the folder was last synchronised; nil removes a name.
  private var renames: [(name: String, file: File?)] = []
  private var open: [Int32: File?] = [:]
  private var left: Int?
  /// Whether its program is dead: operations by the deinits of a dead program's objects are ignored.
  private var isLeft = true
  private var chance: Chance
  private let isStrict: Bool
  var clock: (any Timekeeper)?
  /// The number of operations, and of those that were refused.
  package private(set) var operations = 0
  package private(set) var refusals = 0
  /// The path at which programs see it.
  package private(set) var folder: String

  /// An empty disk.
  /// - Parameters:
  ///   - folder: the path at which programs see it at first.
  ///   - isStrict: whether names need an fsync(2) of the folder itself; otherwise that of any file is enough.
  package init(seed: UInt64, folder: String, isStrict: Bool) {
    chance = Chance(seed, "disk")
    self.folder = folder
    self.isStrict = isStrict
  }

  // MARK: Faults

  func suffer(_ trouble: Trouble, until end: Instant) { troubles[trouble] = end }

  /// Whether files cannot grow.
  var isFull: Bool { suffers(.full) }

  private func suffers(_ trouble: Trouble) -> Bool {
    guard let end = troubles[trouble], let clock else { return false }
    return clock.now < end
  }

  /// The duration of the next job.
  func delay() -> Duration {
    suffers(.slow) ? chance.milliseconds(500...12_000) : .microseconds(chance.within(100...4000))
  }

  /// Carries out only the next `writes` operations. Later ones have no effect but report success: the caller is dead.
  func cut(after writes: Int) { left = writes }

  // MARK: Calls

  package func create(_ name: String, truncates: Bool) -> Int32 {
    if let file = files[name] { return truncates ? change(file, .truncate(0)) : 0 }
    guard goesOn() else { return 0 }
    if suffers(.full) { return refuse(28) }
    let file = File()
    files[name] = file
    renames.append((name, file))
    return 0
  }

  /// - Parameter name: empty for the folder itself.
  package func opened(_ name: String, as descriptor: Int32) { open[descriptor] = .some(files[name]) }
  package func closed(_ descriptor: Int32) { open[descriptor] = nil }

  package func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor] else { return 0 }
    if left != 0 {
      if suffers(.full), offset + bytes.count > file.contents.count { return refuse(28) }
      if suffers(.write), chance.happens(50) { return refuse(5) }
    }
    return change(file, .write(offset: offset, bytes))
  }

  package func truncate(_ descriptor: Int32, to size: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor] else { return 0 }
    return change(file, .truncate(size))
  }

  /// Reserves `size` bytes for a file.
  package func allocate(_ descriptor: Int32, _ size: Int) -> Int32 {
    guard case .some(.some(let file)) = open[descriptor], size > file.allocated else { return 0 }
    if left != 0, suffers(.full) { return refuse(28) }
    guard goesOn() else { return 0 }
    file.allocated = size
    return 0
  }

  /// Whether the descriptor is that of a file on this disk.
  package func has(_ descriptor: Int32) -> Bool { open[descriptor] != nil }

  private func change(_ file: File, _ change: Change) -> Int32 {
    guard goesOn() else { return 0 }
    change.apply(to: &file.contents)
    file.pending.append(change)
    return 0
  }

  package func synchronise(_ descriptor: Int32) -> Int32 {
    guard let entry = open[descriptor], goesOn() else { return 0 }
    let fails = suffers(.sync) && chance.happens(70)
    if let file = entry {
      // After a failed fsync(2) the kernel marks the pages as clean, whether they are on the disk or not.
      for change in file.pending {
        var isTorn = false
        change.apply(to: &file.kept) { [self] _ in
          if fails { isTorn = chance.happens(50) }
          return !isTorn
        }
      }
      file.pending = []
    }
    if fails { return refuse(5) }
    if entry == nil || !isStrict { keepNames(renames.count) }
    return 0
  }

  package func rename(_ from: String, to: String) -> Int32 {
    guard let file = files[from], goesOn() else { return 0 }
    if suffers(.write), chance.happens(20) { return refuse(5) }
    files[from] = nil
    files[to] = file
    renames.append((to, file))
    renames.append((from, nil))
    return 0
  }

  package func remove(_ name: String) -> Int32 {
    guard files[name] != nil, goesOn() else { return 0 }
    files[name] = nil
    renames.append((name, nil))
    return 0
  }

  private func goesOn() -> Bool {
    if isLeft { return false }
    operations += 1
    guard let left else { return true }
    self.left = max(0, left - 1)
    return left > 0
  }

  private func refuse(_ errno: Int32) -> Int32 {
    refusals += 1
    return errno
  }

  private func keepNames(_ count: Int) {
    for (name, file) in renames.prefix(count) { keptNames[name] = file }
    renames.removeFirst(min(count, renames.count))
  }

  // MARK: Deaths

  /// Its program has died.
  func leave() {
    open = [:]
    left = nil
    isLeft = true
  }

  /// Cuts the power: programs see the contents that reached the disk.
  func cutPower() {
    // A rename consists of two changes of names and is atomic.
    var count = renames.isEmpty ? 0 : chance.within(0...renames.count)
    if count > 0, count < renames.count, renames[count].file == nil, renames[count - 1].file != nil { count += 1 }
    keepNames(count)
    renames = []
    var seen: Set<ObjectIdentifier> = []
    for (_, file) in keptNames.sorted(by: { $0.key < $1.key }) where seen.insert(ObjectIdentifier(file)).inserted {
      for change in file.pending {
        let fate = chance.within(0...2)
        change.apply(to: &file.kept) { [self] _ in fate == 0 || fate == 1 && chance.happens(50) }
      }
      file.pending = []
      file.contents = file.kept
    }
    files = keptNames
    troubles = [:]
  }

  /// Moves the disk to the path `folder`.
  /// - Returns: the files that the caller must create there.
  package func appear(at folder: String) -> [(name: String, contents: [UInt8])] {
    self.folder = folder
    isLeft = false
    return files.sorted { $0.key < $1.key }.map { ($0.key, $0.value.contents) }
  }

  /// The contents that programs see, by name.
  package var contents: [String: [UInt8]] { files.mapValues(\.contents) }
}

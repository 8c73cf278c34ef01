#if !hasFeature(Embedded)
  import Companion
#endif

extension LauncherMessage: PacketMessage {
  private static let header = PacketHeader(mark: (0x4F, 0x4C), layout: 1)

  private var kind: UInt8 {
    switch self {
    case .start: 1
    case .signal: 2
    case .kill: 3
    case .measure: 4
    case .ready: 16
    case .started: 17
    case .refused: 18
    case .usage: 19
    case .ended: 20
    }
  }

  /// The message as one packet.
  package var bytes: [UInt8] {
    Self.header.message(kind) { writer in
      switch self {
      case .start(let plan): writer.plan(plan)
      case .signal(let id, let number):
        writer.integer(id)
        writer.integer(number)
      case .kill(let id), .measure(let id): writer.integer(id)
      case .ready(let facts):
        writer.integer(facts.uid)
        writer.byte(facts.controllers.rawValue)
        writer.integer(facts.landlock)
      case .started(let id, let pid):
        writer.integer(id)
        writer.integer(pid)
      case .refused(let id, let step, let errno):
        writer.integer(id)
        writer.byte(step.rawValue)
        writer.integer(errno)
      case .usage(let id, let usage):
        writer.integer(id)
        writer.integer(usage.cpu)
        writer.integer(usage.memory)
        writer.integer(usage.tasks)
        writer.integer(usage.data)
      case .ended(let id, let end):
        writer.integer(id)
        writer.integer(end.code)
        writer.byte(end.isOutOfMemory ? 1 : 0)
        writer.integer(end.cpu)
        writer.integer(end.peak)
        writer.byte(end.isEngineAway ? 1 : 0)
      }
    }
  }

  /// Reads a packet.
  /// - Returns: nil for a malformed or truncated packet, or an unknown kind.
  package init?(_ bytes: [UInt8]) {
    guard let (kind, start) = Self.header.open(bytes, longest: Self.longest) else { return nil }
    var reader = start
    switch kind {
    case 1:
      guard let plan = reader.plan() else { return nil }
      self = .start(plan)
    case 2:
      guard let id: UInt32 = reader.integer(), let number: Int32 = reader.integer() else { return nil }
      self = .signal(id: id, number: number)
    case 3:
      guard let id: UInt32 = reader.integer() else { return nil }
      self = .kill(id: id)
    case 4:
      guard let id: UInt32 = reader.integer() else { return nil }
      self = .measure(id: id)
    case 16:
      guard let uid: UInt32 = reader.integer(), let controllers = reader.byte(),
        let landlock: UInt32 = reader.integer()
      else { return nil }
      self = .ready(
        LauncherFacts(uid: uid, controllers: LauncherFacts.Controllers(rawValue: controllers), landlock: landlock))
    case 17:
      guard let id: UInt32 = reader.integer(), let pid: Int32 = reader.integer() else { return nil }
      self = .started(id: id, pid: pid)
    case 18:
      guard let id: UInt32 = reader.integer(), let number = reader.byte(), let step = LaunchStep(rawValue: number),
        let errno: Int32 = reader.integer()
      else { return nil }
      self = .refused(id: id, step: step, errno: errno)
    case 19:
      guard let id: UInt32 = reader.integer(), let cpu: UInt64 = reader.integer(),
        let memory: UInt64 = reader.integer(), let tasks: UInt32 = reader.integer(),
        let data: UInt64 = reader.isAtEnd ? 0 : reader.integer()
      else { return nil }
      self = .usage(id: id, LaunchUsage(cpu: cpu, memory: memory, tasks: tasks, data: data))
    case 20:
      guard let id: UInt32 = reader.integer(), let code: Int32 = reader.integer(), let flag = reader.byte(),
        let cpu: UInt64 = reader.integer(), let peak: UInt64 = reader.integer(),
        let away = reader.isAtEnd ? 0 : reader.byte()
      else { return nil }
      var end = LaunchEnd(code: code, isOutOfMemory: flag == 1, cpu: cpu, peak: peak)
      end.isEngineAway = away == 1
      self = .ended(id: id, end)
    default: return nil
    }
  }
}

extension ByteWriter {
  fileprivate mutating func plan(_ plan: LaunchPlan) {
    integer(plan.id)
    text(plan.name)
    integer(plan.limits.memory)
    integer(plan.limits.cpu)
    integer(plan.limits.tasks)
    integer(plan.limits.descriptors)
    integer(plan.limits.fileSize)
    for texts in [plan.words, plan.environment] {
      integer(UInt16(truncatingIfNeeded: texts.count))
      for text in texts { longText(text) }
    }
    byte(plan.kind.rawValue)
    longText(plan.data)
  }
}

extension ByteReader {
  fileprivate mutating func plan() -> LaunchPlan? {
    var limits = LaunchLimits()
    guard let id: UInt32 = integer(), let name = text(), let memory: UInt64 = integer(), let cpu: UInt64 = integer(),
      let tasks: UInt32 = integer(), let descriptors: UInt32 = integer(), let fileSize: UInt64 = integer(),
      let words = texts(), let environment = texts()
    else { return nil }
    limits.memory = memory
    limits.cpu = cpu
    limits.tasks = tasks
    limits.descriptors = descriptors
    limits.fileSize = fileSize
    // Absent in earlier layouts: an upgrade replaces this program while the daemon goes on until its restart.
    guard let number = isAtEnd ? 0 : byte(), let kind = LaunchPlan.Kind(rawValue: number),
      let data = isAtEnd ? [] : longText()
    else { return nil }
    let plan = LaunchPlan(
      id: id, name: name, words: words, environment: environment, limits: limits, kind: kind, data: data)
    return plan.isSound ? plan : nil
  }

  private mutating func texts() -> [[UInt8]]? {
    guard let count: UInt16 = integer() else { return nil }
    var texts: [[UInt8]] = []
    for _ in 0..<count {
      guard let text = longText() else { return nil }
      texts.append(text)
    }
    return texts
  }
}

extension LaunchPlan {
  /// Whether the launcher may use it: a program with a full path, no zero bytes, a name that is no path.
  package var isSound: Bool {
    guard let program = words.first, program.first == 0x2F, !name.isEmpty else { return false }
    for byte in name {
      let isLetter = byte | 32 >= 0x61 && byte | 32 <= 0x7A
      let isDigit = byte >= 0x30 && byte <= 0x39
      if !isLetter, !isDigit, byte != 0x2D, byte != 0x5F { return false }
    }
    for text in words { for byte in text where byte == 0 { return false } }
    for text in environment { for byte in text where byte == 0 { return false } }
    for byte in data where byte == 0 { return false }
    if !data.isEmpty, data[0] != 0x2F { return false }
    if kind == .engine, words.count < 4 || words[3].first != 0x2F { return false }
    return true
  }
}

import Rules
import Testing

/// Every row of the table of a state rule's life.
@Suite struct StateRuleLifeTests {
  private typealias Life = StateRuleLife
  private static let yes = look()
  private static let over = look(trigger: .no, end: .yes)
  private static let unknown = look(trigger: .unknown("x"), end: .unknown("x"), isUnknown: true)
  private static let shut = look(allows: .no)

  private static func look(
    trigger: Truth = .yes, end: Truth = .no, isUnknown: Bool = false, allows: Truth = .yes
  ) -> Life.Look {
    Life.Look(trigger: trigger, end: end, isUnknown: isUnknown, allows: allows)
  }

  private func next(
    _ life: Life, _ happening: Life.Happening, hold: Bool = false, linger: Bool = false
  ) -> (state: Life, effects: [Life.Effect]) {
    life.next(happening, hasHold: hold, hasLinger: linger)
  }

  @Test func waitingBegins() {
    #expect(next(.waiting, .looked(Self.yes)) == (.lasting, [.begin]))
    #expect(next(.waiting, .looked(Self.yes), hold: true) == (.arming, [.startHold]))
    #expect(next(.waiting, .looked(Self.shut)) == (.armed, []))
    #expect(next(.waiting, .looked(Self.over)) == (.waiting, []))
    #expect(next(.waiting, .looked(Self.unknown)) == (.waiting, []))
  }

  @Test func armingAndArmed() {
    #expect(next(.arming, .looked(Self.yes), hold: true) == (.arming, []))
    #expect(next(.arming, .looked(Self.over), hold: true) == (.waiting, [.cancelTime]))
    #expect(next(.arming, .looked(Self.unknown), hold: true) == (.waiting, [.cancelTime]))
    #expect(next(.arming, .held(Self.yes), hold: true) == (.lasting, [.begin]))
    #expect(next(.arming, .held(Self.shut), hold: true) == (.armed, []))
    #expect(next(.armed, .looked(Self.yes), hold: true) == (.lasting, [.begin]))
    #expect(next(.armed, .looked(Self.shut), hold: true) == (.armed, []))
    #expect(next(.armed, .looked(Self.look(allows: .unknown("x")))) == (.armed, []))
    #expect(next(.armed, .looked(Self.over)) == (.waiting, []))
    #expect(next(.armed, .looked(Self.unknown)) == (.waiting, []))
  }

  @Test func lastingEnds() {
    #expect(next(.lasting, .looked(Self.yes)) == (.lasting, []))
    #expect(next(.lasting, .looked(Self.over)) == (.waiting, [.end(acts: true), .lookAgain]))
    #expect(next(.lasting, .looked(Self.over), linger: true) == (.lingering, [.startLinger]))
    for look in [Self.unknown, Self.shut, Self.look(allows: .unknown("x"))] {
      #expect(next(.lasting, .looked(look), linger: true) == (.waiting, [.end(acts: true), .lookAgain]))
      #expect(
        next(.lingering, .looked(look), linger: true) == (.waiting, [.cancelTime, .end(acts: true), .lookAgain]))
    }
  }

  @Test func lingering() {
    #expect(next(.lingering, .looked(Self.over), linger: true) == (.lingering, []))
    #expect(next(.lingering, .looked(Self.yes), linger: true) == (.lasting, [.cancelTime]))
    #expect(next(.lingering, .lingered, linger: true) == (.waiting, [.end(acts: true), .lookAgain]))
    #expect(next(.lasting, .lingered, linger: true) == (.lasting, []))
  }

  @Test func resuming() {
    #expect(next(.resuming, .looked(Self.yes), hold: true) == (.lasting, [.resume]))
    #expect(next(.resuming, .looked(Self.unknown)) == (.resuming, []))
    #expect(next(.resuming, .looked(Self.over), linger: true) == (.waiting, [.end(acts: true), .lookAgain]))
    #expect(next(.resuming, .looked(Self.shut)) == (.waiting, [.end(acts: true), .lookAgain]))
    #expect(next(.resuming, .stayedUnknown) == (.waiting, [.end(acts: true), .lookAgain]))
    #expect(next(.lasting, .stayedUnknown) == (.lasting, []))
  }

  @Test func peopleAndStops() {
    for life in Life.allCases {
      let ends = life.lasts || life == .resuming
      let disabled = next(life, .disabled)
      #expect(disabled.state == .off)
      #expect(disabled.effects.contains(.end(acts: true)) == ends)
      let removed = next(life, .removed)
      #expect(removed.effects.contains(.end(acts: false)) == ends && !removed.effects.contains(.end(acts: true)))
      let stopped = next(life, .stopBegan)
      #expect(stopped.state == (life == .off ? .off : .stopped))
      #expect(stopped.effects.contains(.end(acts: true)) == ends)
      // While off or stopped nothing but its own event lets it go on.
      for look in [Self.yes, Self.over, Self.unknown, Self.shut] where life == .off || life == .stopped {
        #expect(next(life, .looked(look)) == (life, []))
      }
    }
    #expect(next(.off, .enabled) == (.waiting, [.lookAgain]))
    #expect(next(.stopped, .stopCleared) == (.waiting, [.lookAgain]))
    #expect(next(.lasting, .enabled) == (.lasting, []))
    #expect(next(.lasting, .stopCleared) == (.lasting, []))
  }

  /// Whatever happens, in whatever order: a claim is held in states that last and in no others, every end follows a
  /// beginning, and an unknown or closed guard never leaves anything kept.
  @Test func keepsExactlyWhileItLasts() {
    var generator = Seeded(seed: 7)
    for _ in 0..<2000 {
      var life = Life.waiting
      var keeps = false
      for _ in 0..<40 {
        let truths: [Truth] = [.yes, .no, .unknown("x")]
        let (begins, ends) = (truths.randomElement(using: &generator)!, truths.randomElement(using: &generator)!)
        let look = Life.Look(
          trigger: begins && !ends, end: ends, isUnknown: begins.isUnknown || ends.isUnknown,
          allows: truths.randomElement(using: &generator)!)
        let all: [Life.Happening] = [
          .looked(look), .looked(look), .looked(look), .held(look), .lingered, .disabled, .enabled, .stopBegan,
          .stopCleared, .stayedUnknown,
        ]
        let happening = all.randomElement(using: &generator)!
        let step = life.next(
          happening, hasHold: Bool.random(using: &generator), hasLinger: Bool.random(using: &generator))
        for effect in step.effects {
          switch effect {
          case .begin, .resume:
            #expect(!keeps)
            keeps = true
          case .end:
            #expect(keeps)
            keeps = false
          default: break
          }
        }
        life = step.state
        #expect(keeps == life.lasts)
        if case .looked(let look) = happening, keeps { #expect(!look.isUnknown && look.allows == .yes) }
      }
    }
  }
}

/// SplitMix64, so that every run is the same.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

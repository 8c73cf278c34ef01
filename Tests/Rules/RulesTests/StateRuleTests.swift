import Model
import Rules
import Testing

/// A state rule on the bench.
func state(
  _ id: RuleID, while condition: String, until: String? = nil, if guarded: String? = nil, for hold: Duration? = nil,
  _ change: (inout StateRule) -> Void = { _ in }
) -> RuleDeclaration {
  let place = Location(file: "rules.yaml", line: 3, column: 5)
  func text(_ text: String) -> RuleDeclaration.Condition { RuleDeclaration.Condition(text: text, location: place) }
  var state = StateRule(begins: text(condition), ends: until.map(text))
  change(&state)
  if state.keep.isEmpty, state.endActions.isEmpty { state.keep = [.init("out", .fixed(1))] }
  return RuleDeclaration(
    id: id, trigger: .state(state), condition: guarded.map(text), actions: [], hold: hold, location: place)
}

@Suite struct StateRuleTests {
  @Test func thermostatHasHysteresis() throws {
    let bench = try RuleBench(state("heating", while: "sensor('temp') < 20.5", until: "sensor('temp') > 21.5"))
    for (value, isOn) in [(21.0, false), (20.0, true), (21.0, true), (21.6, false), (21.0, false), (20.4, true)] {
      bench.measure("temp", value)
      #expect((bench.kept == "out 1.0") == isOn, "\(value)")
    }
    #expect(bench.changes.first == "heating began by change:temp")
    #expect(bench.rules.statuses()[0].fired == 2)
  }

  @Test func unknownBeginsNothingAndEndsAtOnce() throws {
    let bench = try RuleBench(state("heating", while: "sensor('temp') < 20.5") { $0.linger = .seconds(60) })
    #expect(bench.kept.isEmpty)
    #expect(bench.rules.statuses()[0].unknown == "sensor('temp'): it has not been measured yet")
    bench.measure("temp", 20)
    #expect(bench.kept == "out 1.0")
    bench.measure("temp", nil)
    #expect(bench.kept.isEmpty && bench.changes.last == "heating ended: sensor('temp'): it has not been measured yet")
    // An unknown part that does not matter is no reason.
    let other = try RuleBench(state("either", while: "input('door') || sensor('temp') < 20.5"))
    other.press("door", true)
    #expect(other.kept == "out 1.0")
  }

  @Test func lingersAfterTheLastMotion() throws {
    let bench = try RuleBench(state("light", while: "input('motion')") { $0.linger = .seconds(300) })
    bench.press("motion", true)
    bench.press("motion", false)
    bench.clock.advance(by: .seconds(299))
    #expect(bench.kept == "out 1.0")
    bench.press("motion", true)
    bench.press("motion", false)
    bench.clock.advance(by: .seconds(299))
    #expect(bench.kept == "out 1.0" && bench.changes.count == 1)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.kept.isEmpty && bench.changes.last == "light ended: its time to linger is over")
  }

  @Test func theGuardNeverLingers() throws {
    let bench = try RuleBench(
      state("pump", while: "input('dry')", if: "sensor('tank') > 20") { $0.linger = .seconds(300) })
    bench.measure("tank", 50)
    bench.press("dry", true)
    #expect(bench.kept == "out 1.0")
    bench.press("dry", false)
    bench.measure("tank", 19)
    #expect(bench.kept.isEmpty && bench.changes.last == "pump ended: 'if' is not true any more")
    bench.press("dry", true)
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].state == .armed)
    bench.measure("tank", 21)
    #expect(bench.kept == "out 1.0" && bench.changes.last == "pump began by change:tank")
  }

  @Test func forCountsTheTriggerAlone() throws {
    let bench = try RuleBench(state("alarm", while: "input('leak')", if: "input('armed')", for: .seconds(10)))
    bench.press("armed", false)
    bench.press("leak", true)
    bench.clock.advance(by: .seconds(9))
    bench.press("leak", false)
    bench.press("leak", true)
    bench.clock.advance(by: .seconds(10))
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].state == .armed)
    bench.press("armed", true)
    #expect(bench.kept == "out 1.0")
  }

  @Test func silenceIsNoticedWithoutPolling() throws {
    let bench = try RuleBench(
      state("dead", while: "!reading('tank').good", for: .seconds(600)) {
        $0.endActions = [.emit("tank:back", [])]
      })
    bench.readings["tank"] = SensorAnswer(value: 40, unit: "%", age: .zero, quality: "good", isGood: true)
    bench.measure("tank", 40)
    #expect(bench.rules.statuses()[0].state == .waiting)
    bench.readings["tank"]?.isGood = false
    bench.measure("tank", nil)
    bench.clock.advance(by: .seconds(600))
    #expect(bench.changes == ["dead began by change:tank"])
    bench.readings["tank"]?.isGood = true
    bench.measure("tank", 41)
    #expect(bench.firings.map(\.actions) == [[.emit("tank:back", .success([:]))]])
  }

  @Test func agesAreLookedAtWhenTheyCross() throws {
    let bench = try RuleBench(state("old", while: "reading('tank').age > duration('10m')"))
    bench.readings["tank"] = SensorAnswer(value: 40, age: .zero, quality: "good", isGood: true)
    bench.measure("tank", 40)
    let looks = bench.rules.evaluations
    bench.readings["tank"]?.age = .seconds(600)
    bench.clock.advance(by: .seconds(599))
    #expect(bench.rules.evaluations == looks)
    bench.clock.advance(by: .seconds(1))
    bench.readings["tank"]?.age = .seconds(600) + .milliseconds(1)
    bench.clock.advance(by: .milliseconds(1))
    #expect(bench.kept == "out 1.0")
    // Each new reading is looked at, and starts no second timer.
    bench.readings["tank"]?.age = .zero
    bench.measure("tank", 41)
    #expect(bench.kept.isEmpty)
  }

  @Test func rulesAtRestCostNothing() throws {
    let rules = (0..<1000).map { number in
      state(
        RuleID("r\(number)"), while: "sensor('s\(number)') > 20 && between('06:00', '08:00')", if: "!input('rain')")
    }
    let bench = try RuleBench()
    for number in 0..<1000 { bench.sensors["s\(number)"] = 1.0 }
    bench.inputs["rain"] = false
    bench.rules.replace(with: try RuleSet(compiling: rules))
    bench.settle()
    let looks = bench.rules.evaluations
    // Nothing is due: a condition whose result cannot change by time alone waits for its sensor.
    bench.clock.advance(by: .seconds(5 * 3600))
    #expect(bench.rules.evaluations == looks)
    // A reading costs one rule.
    bench.measure("s7", 2)
    #expect(bench.rules.evaluations == looks + 1)
  }

  @Test func windowsOpenAndShut() throws {
    var rule = state("watering", while: "sensor('soil') < 30") { $0.linger = .seconds(3600) }
    rule.hours = RuleHours(window: DayWindow(.clock(minutes: 360), .clock(minutes: 480)))
    let bench = try RuleBench(rule)
    bench.measure("soil", 20)
    bench.clock.advance(by: .seconds(6 * 3600 - 1))
    #expect(bench.kept.isEmpty)
    bench.clock.advance(by: .seconds(1))
    #expect(bench.kept == "out 1.0")
    // It lingers, but not beyond the window.
    bench.clock.advance(by: .seconds(7199))
    bench.measure("soil", 40)
    #expect(bench.kept == "out 1.0")
    bench.clock.advance(by: .seconds(1))
    #expect(bench.kept.isEmpty)
  }

  @Test func anUntrustedClockKeepsWindowsShut() throws {
    var rule = state("watering", while: "sensor('soil') < 30")
    rule.hours = RuleHours(window: DayWindow(.clock(minutes: 0), .clock(minutes: 480)))
    let bench = try RuleBench()
    bench.clockIsTrusted = false
    bench.rules.replace(with: try RuleSet(compiling: [rule]))
    bench.measure("soil", 20)
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].state == .armed)
    #expect(bench.rules.statuses()[0].unknown?.contains("has not been synchronised") ?? false)
    bench.clockIsTrusted = true
    bench.rules.clockChanged()
    bench.settle()
    #expect(bench.kept == "out 1.0")
    bench.clockIsTrusted = false
    bench.rules.clockChanged()
    bench.settle()
    #expect(bench.kept.isEmpty)
  }

  @Test func levelsFollowTheirExpressions() throws {
    let level = RuleDeclaration.Condition(text: "sensor('lux') / 100.0", location: Location(file: "r"))
    let bench = try RuleBench(state("blind", while: "input('sunny')") { $0.keep = [.init("blind", .computed(level))] })
    bench.press("sunny", true)
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].unknown == "sensor('lux'): it has not been measured yet")
    bench.measure("lux", 40)
    #expect(bench.kept == "blind 0.4")
    bench.measure("lux", 40.5)
    bench.clock.advance(by: .seconds(5))
    #expect(bench.kept == "blind 0.4")
    bench.measure("lux", 50)
    #expect(bench.kept == "blind 0.5")
    // Once a second at most, and the last value counts.
    bench.measure("lux", 60)
    bench.measure("lux", 70)
    #expect(bench.kept == "blind 0.5")
    bench.clock.advance(by: .seconds(1))
    #expect(bench.kept == "blind 0.7")
    bench.measure("lux", 170)
    #expect(bench.kept.isEmpty)
  }

  @Test func allowancesCountTheConfirmedTime() throws {
    let bench = try RuleBench(
      state("pump", while: "input('dry')") { $0.atMost = .init(.seconds(1200), per: .day) })
    bench.press("dry", true)
    bench.rules.claimChanged(of: "pump", isHeld: true)
    bench.clock.advance(by: .seconds(19 * 60))
    // What a power failure costs: a minute.
    #expect(bench.memories["pump"]?.spent ?? 0 >= 18 * 60_000)
    bench.clock.advance(by: .seconds(60))
    #expect(bench.kept.isEmpty && bench.changes.last == "pump ended: 'at_most' is used up")
    bench.rules.claimChanged(of: "pump", isHeld: false)
    bench.clock.advance(by: .seconds(3600))
    #expect(bench.kept.isEmpty)
    bench.clock.advance(by: .seconds(23 * 3600))
    #expect(bench.kept == "out 1.0")
  }

  /// An emergency stop in safe mode does not know which rules keep outputs.
  @Test func aStopWithoutRulesEndsWhatKeeps() throws {
    var memory = RuleMemory()
    memory.isStopped = true
    var telling = state("telling", while: "input('dry')") { $0.endActions = [.log([])] }
    telling.actions = [.log([])]
    let bench = try RuleBench(state("pump", while: "input('dry')"), telling)
    bench.inputs["dry"] = true
    _ = bench.rules.recall(["pump": memory, "telling": memory])
    bench.settle()
    #expect(bench.rules.statuses().map(\.state) == [.stopped, .lasting])
    #expect(bench.kept.isEmpty)
  }

  @Test func aChangedRuleGoesOnCounting() throws {
    func pump(_ allowance: StateRule.Allowance?, linger: Int64 = 0) -> RuleDeclaration {
      state("pump", while: "input('dry')") { ($0.atMost, $0.linger) = (allowance, .seconds(linger)) }
    }
    let bench = try RuleBench(pump(nil))
    bench.press("dry", true)
    bench.rules.claimChanged(of: "pump", isHeld: true)
    bench.clock.advance(by: .seconds(600))
    // What was kept before there was an allowance does not count.
    bench.rules.replace(with: try RuleSet(compiling: [pump(.init(.seconds(1200), per: .day))]))
    bench.settle()
    bench.clock.advance(by: .seconds(700))
    #expect((600_000...700_000).contains(bench.memories["pump"]?.spent ?? 0))
    bench.rules.replace(with: try RuleSet(compiling: [pump(.init(.seconds(1200), per: .day), linger: 5)]))
    bench.settle()
    bench.clock.advance(by: .seconds(400))
    #expect((1_000_000...1_100_000).contains(bench.memories["pump"]?.spent ?? 0))
    #expect(bench.kept == "out 1.0")
    bench.clock.advance(by: .seconds(100))
    #expect(bench.kept.isEmpty && bench.changes.last == "pump ended: 'at_most' is used up")
    // Another period begins at 0.
    bench.rules.claimChanged(of: "pump", isHeld: false)
    bench.rules.replace(with: try RuleSet(compiling: [pump(.init(.seconds(60), per: .hour))]))
    bench.settle()
    #expect(bench.kept == "out 1.0")
  }

  @Test func anAllowanceOfARunNeedsAnotherRun() throws {
    let bench = try RuleBench(
      state("pump", while: "input('dry')") { $0.atMost = .init(.seconds(60), per: .run) })
    bench.press("dry", true)
    bench.rules.claimChanged(of: "pump", isHeld: true)
    bench.clock.advance(by: .seconds(60))
    bench.rules.claimChanged(of: "pump", isHeld: false)
    bench.clock.advance(by: .seconds(600))
    #expect(bench.kept.isEmpty)
    bench.press("dry", false)
    bench.press("dry", true)
    #expect(bench.kept == "out 1.0")
  }

  @Test func repeatsWhileItLasts() throws {
    var rule = state("reminder", while: "input('door')") {
      $0.repeats = .seconds(600); $0.endActions = [.emit("x:shut", [])]
    }
    rule.actions = [.emit("x:open", [])]
    let bench = try RuleBench(rule)
    bench.press("door", true)
    bench.clock.advance(by: .seconds(1800))
    #expect(bench.firings.count == 4)
    bench.press("door", false)
    bench.clock.advance(by: .seconds(1800))
    #expect(bench.firings.count == 5 && bench.firings.last?.actions == [.emit("x:shut", .success([:]))])
  }

  @Test func aStopEndsWhatKeepsUntilTheTriggerWasFalse() throws {
    let bench = try RuleBench(state("heating", while: "sensor('temp') < 20"))
    bench.measure("temp", 15)
    bench.isStopped = true
    bench.rules.stopBegan()
    #expect(bench.kept.isEmpty && bench.memories["heating"]?.isStopped == true)
    bench.isStopped = false
    bench.rules.stopCleared()
    bench.measure("temp", 14)
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].state == .stopped)
    bench.measure("temp", 21)
    bench.measure("temp", 15)
    #expect(bench.kept == "out 1.0" && bench.memories["heating"]?.isStopped == false)
    bench.isStopped = true
    bench.rules.stopBegan()
    bench.isStopped = false
    bench.rules.stopCleared()
    #expect(bench.rules.resume("heating"))
    bench.settle()
    #expect(bench.kept == "out 1.0")
    #expect(!bench.rules.resume("heating") && !bench.rules.resume("nobody"))
  }

  @Test func disabledRulesKeepNothing() throws {
    let bench = try RuleBench(state("light", while: "input('motion')"), hot())
    bench.press("motion", true)
    #expect(bench.rules.setEnabled("light", false))
    #expect(bench.kept.isEmpty && bench.memories["light"]?.isDisabled == true)
    bench.press("motion", false)
    bench.press("motion", true)
    #expect(bench.kept.isEmpty && !bench.rules.statuses()[0].isEnabled)
    #expect(bench.rules.setEnabled("light", true))
    bench.settle()
    #expect(bench.kept == "out 1.0")
    #expect(bench.rules.setEnabled("hot", false))
    bench.measure(35)
    #expect(bench.firings.isEmpty && bench.memories["hot"]?.isDisabled == true)
    #expect(!bench.rules.setEnabled("nobody", false))
  }

  @Test func restartsResumeWithoutActing() throws {
    var rule = state("heating", while: "sensor('temp') < 20.5", until: "sensor('temp') > 21.5")
    rule.actions = [.emit("x:on", [])]
    let bench = try RuleBench(rule)
    var memory = RuleMemory()
    memory.lasts = true
    #expect(bench.rules.recall(["heating": memory, "gone": memory]) == ["gone"])
    bench.settle()
    #expect(bench.kept.isEmpty && bench.rules.statuses()[0].state == .resuming)
    bench.measure("temp", 21)
    #expect(bench.kept == "out 1.0" && bench.firings.isEmpty && bench.changes == ["heating resumed"])
    // With a sensor that stays silent it ends.
    let silent = try RuleBench(rule)
    #expect(silent.rules.recall(["heating": memory]).isEmpty)
    silent.clock.advance(by: .seconds(10))
    #expect(silent.changes == ["heating ended: its conditions stayed unknown after the start"])
    #expect(silent.memories["heating"] == nil)
  }

  @Test func reloadsKeepWhatLasts() throws {
    let bench = try RuleBench(state("light", while: "input('motion')"))
    bench.press("motion", true)
    bench.rules.replace(
      with: try RuleSet(compiling: [
        state("light", while: "input('motion')") { $0.keep = [.init("out", .fixed(0.5))] }
      ]))
    bench.settle()
    #expect(bench.kept == "out 0.5" && bench.changes.count == 1)
    bench.rules.replace(with: .empty)
    #expect(bench.kept.isEmpty && bench.changes.last == "light ended: it was removed")
  }

  @Test func rulesThatEndThemselvesAreSlowedDown() throws {
    var rule = state("loop", while: "vars.a == 0") {
      $0.endActions = [.set("a", [.init(name: "value", expression: "0")])]
    }
    rule.actions = [.set("a", [.init(name: "value", expression: "1")])]
    let bench = try RuleBench()
    bench.variables["a"] = 0
    bench.rules.replace(with: try RuleSet(compiling: [rule], variables: ["a": 0]))
    for _ in 0..<200 { bench.clock.advance(by: .milliseconds(1)) }
    #expect(bench.rules.statuses()[0].fired == 16)
    #expect(bench.rules.statuses()[0].lastError?.contains("16 times within a second") ?? false)
    #expect(bench.errors.count == 1)
    bench.clock.advance(by: .seconds(10))
    for _ in 0..<200 { bench.clock.advance(by: .milliseconds(1)) }
    #expect(bench.rules.statuses()[0].fired == 32)
  }

  @Test func listsWait() throws {
    let emit = { (name: String) in RuleDeclaration.Action.emit(name, []) }
    let bench = try RuleBench(
      hot {
        $0.actions = [
          emit("a:one"), .wait(.seconds(10)), emit("a:two"),
          .waitFor(condition("input('door')"), within: .seconds(60)), emit("a:three"),
        ]
        $0.otherwise = [emit("a:else")]
        $0.mode = .single
      })
    bench.measure(31)
    #expect(bench.parts.isEmpty)
    bench.measure(32)
    #expect(bench.firings.count == 1)
    bench.clock.advance(by: .seconds(10))
    #expect(bench.parts.count == 1)
    bench.press("door", true)
    #expect(bench.parts.count == 2 && bench.parts[1] == [.emit("a:three", .success([:]))])
    bench.inputs["door"] = nil
    bench.measure(33)
    #expect(bench.firings.count == 2)
    bench.clock.advance(by: .seconds(70))
    #expect(bench.waitErrors == ["wait_for(input('door')) within 1m"])
    #expect(bench.parts.last == [.emit("a:else", .success([:]))] && bench.rules.statuses()[0].failed == 1)
    // A stop cuts what waits.
    bench.clock.advance(by: .seconds(10))
    bench.measure(34)
    bench.rules.stopBegan()
    bench.rules.stopCleared()
    bench.clock.advance(by: .seconds(100))
    #expect(bench.cuts.count == 1 && bench.parts.count == 4)
  }

  @Test func mistakesAreFoundAtLoad() throws {
    let wrong: [(String, String)] = [
      ("sensor(vars.x) > 1", "the name must be a text"), ("now > timestamp('2026-01-01T00:00:00Z')", ""),
      ("now.getHours('local') >= 22", ""), ("now.getSeconds() == 3", "time can only be compared here"),
      ("size(string(now)) > 3", "time can only be compared here"), ("value > 3", "unknown variable 'value'"),
      ("between('6', '08:00')", "is not a time of day"), ("input('a') == 'on'", "are never equal"),
      ("input('a') + 1", "cannot be applied"), ("reading('x').age > duration('5m')", ""),
      ("now - device('x').since > duration('5m')", ""), ("vars.y", "no variable 'y'"),
      ("['a', 'b'].exists(s, sensor(s) > 30)", ""),
    ]
    for (text, message) in wrong {
      do {
        _ = try RuleSet(compiling: [state("r", while: text)], variables: ["x": "a"])
        #expect(message.isEmpty, "\(text)")
      } catch {
        #expect(!message.isEmpty && "\(error)".contains(message), "\(text): \(error)")
      }
    }
  }
}

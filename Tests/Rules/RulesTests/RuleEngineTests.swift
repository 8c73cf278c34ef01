import Model
import Rules
import Testing

@Suite struct RuleEngineTests {
  @Test func firesWhenTheConditionHolds() throws {
    let bench = try RuleBench(hot())
    bench.measure(29.5)
    #expect(bench.firings.isEmpty)
    bench.measure(30.5)
    #expect(bench.firings.count == 1)
    let firing = bench.firings[0]
    #expect(firing.rule == "hot" && firing.count == 1 && firing.actions == [.wake("climate")])
    #expect(firing.event["value"] == 30.5)
    #expect(firing.replaces == nil)
    bench.emit("sensor:humidity", ["value": 99.0])
    #expect(bench.firings.count == 1)
    let status = bench.rules.statuses()[0]
    #expect(status.fired == 1 && status.lastFired == bench.clock.now && status.lastError == nil)
    #expect(status.trigger == "sensor:temperature" && status.condition == "value > 30.0")
    #expect(status.actions == ["wake(climate)"])
  }

  @Test func conditionsReadSensorsAndStates() throws {
    let bench = try RuleBench(
      hot {
        $0.condition = condition(
          "event.type == 'sensor:temperature' && event.source == 'test' && event.payload.value == value"
            + " && sensor('light') < 10.0 && state('climate').mode == 'auto' && now >= event.time"
            + " && now.getHours('local') == 2 && event.depth == 0 && event.cause == null")
      })
    bench.offset = { _ in 7200 }
    bench.measure(1)
    #expect(bench.errors.count == 1 && bench.errors[0].contains("sensor('light'): it has not been measured yet"))
    bench.sensors["light"] = 5.0
    bench.states["climate"] = ["mode": "auto"]
    bench.measure(1)
    #expect(bench.firings.count == 1)
  }

  @Test func errorsAreReportedOnceUntilTheyChange() throws {
    let bench = try RuleBench(hot())
    bench.emit("sensor:temperature")
    bench.emit("sensor:temperature")
    #expect(bench.errors == ["hot: no such attribute 'value' (column 1 of 'value > 30.0')"])
    #expect(bench.rules.statuses()[0].lastError == "no such attribute 'value' (column 1 of 'value > 30.0')")
    bench.measure(31)
    #expect(bench.firings.count == 1)
    bench.emit("sensor:temperature", ["value": "warm"])
    #expect(bench.errors.count == 2)
    #expect(bench.errors[1].contains("no such overload"))
    bench.emit("sensor:temperature", ["value": nil])
    #expect(bench.errors.count == 3)
    bench.emit("sensor:temperature")
    #expect(bench.errors.count == 4)
  }

  @Test func nonBooleanConditionIsAnError() throws {
    let bench = try RuleBench(hot { $0.condition = condition("value") })
    bench.measure(1)
    #expect(bench.firings.isEmpty && bench.errors[0].contains("has type double, but must be bool"))
  }

  @Test func resolvesActions() throws {
    let fields = [
      EmitField(name: "over", expression: "value - 30.0"), .init(name: "what", expression: "event.type"),
    ]
    let actions: [RuleDeclaration.Action] = [
      .spawn("a"), .kill("b"), .actuate("fan", .level(0.5), lease: .seconds(60)), .emit("climate:hot", fields),
    ]
    let bench = try RuleBench(hot { $0.actions = actions })
    bench.measure(32.5)
    #expect(
      bench.firings[0].actions == [
        .spawn("a"), .kill("b"), .actuate("fan", .level(0.5), lease: .seconds(60)),
        .emit("climate:hot", .success(["over": 2.5, "what": "sensor:temperature"])),
      ])
    #expect(
      bench.rules.statuses()[0].actions == [
        "spawn(a)", "kill(b)", "actuate(fan, 0.5, lease: 1m)",
        "emit(climate:hot, over: value - 30.0, what: event.type)",
      ])
  }

  @Test func failedFiringIsRetriedAndNotCounted() throws {
    let bench = try RuleBench(
      hot {
        $0.cooldown = .seconds(60); $0.maxPerHour = 1
      })
    bench.failure = "actuate(fan, on): held"
    bench.measure(31)
    #expect(bench.rules.statuses()[0].lastError == "actuate(fan, on): held")
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("its last firing failed: retries in 10 s"))
    bench.clock.advance(by: .seconds(10))
    bench.failure = nil
    bench.measure(31)
    #expect(bench.firings.count == 2)
    let status = bench.rules.statuses()[0]
    #expect(status.fired == 2 && status.failed == 1 && status.lastError == nil)
    #expect(bench.reason("sensor:temperature", ["value": 31.0]).contains("max_per_hour: 1 of 1 used"))
  }

  @Test func failureOfAQueuedFiringAffectsOnlyThatFiring() throws {
    let bench = try RuleBench(
      hot {
        $0.mode = .queued; $0.maxPerHour = 3
      })
    bench.finishesAtOnce = false
    for value in [31.0, 32, 33] { bench.measure(value) }
    bench.failure = "wake(climate): gone"
    bench.rules.finished(bench.firings[0].id)
    #expect(bench.firings.count == 2 && bench.rules.statuses()[0].failed == 1)
    bench.failure = nil
    bench.rules.finished(bench.firings[1].id)
    #expect(bench.firings.count == 3 && bench.rules.statuses()[0].failed == 1)
    // Two of three firings count towards the limit.
    bench.clock.advance(by: .seconds(10))
    bench.rules.finished(bench.firings[2].id)
    bench.measure(34)
    bench.rules.finished(bench.firings[3].id)
    bench.measure(35)
    #expect(bench.firings.count == 4)
  }

  @Test func failedEmitEndsTheListOfActions() throws {
    let emit = RuleDeclaration.Action.emit("a:b", [.init(name: "x", expression: "missing + 1")])
    let bench = try RuleBench(
      hot {
        $0.actions = [.spawn("climate"), emit, .wake("climate")]; $0.otherwise = [.kill("climate"), emit]
      })
    bench.failure = "it fails"
    bench.measure(31)
    let failing = Firing.Action.emit("a:b", .failure(.init(message: "no such attribute 'missing'")))
    #expect(bench.firings.map(\.actions) == [[.spawn("climate"), failing]])
    #expect(bench.parts == [[.kill("climate"), failing]])
  }

  @Test func verdictsNameTheReason() throws {
    let bench = try RuleBench(
      hot { $0.cooldown = .seconds(60) },
      hot {
        $0.id = "light"; $0.condition = condition("value > 1.0 && sensor('light') > 10.0")
      },
      hot {
        $0.id = "always"; $0.condition = nil
      })
    bench.sensors["light"] = 3.0
    #expect(
      bench.reason("sensor:temperature", ["value": 29.5]) == """
        no: condition is false: value = 29.5
        no: condition is false: value = 29.5, sensor('light') = 3.0
        fires: no condition
        """)
    #expect(bench.firings.isEmpty)
    bench.measure(31)
    bench.clock.advance(by: .seconds(20))
    #expect(
      bench.reason("sensor:temperature", ["value": 31.0]).hasPrefix(
        "no: condition is true: value = 31.0; cooldown: 40 s left\n"))
    #expect(
      bench.reason("sensor:temperature").hasPrefix(
        "no: condition failed: no such attribute 'value' (column 1 of 'value > 30.0')\n"))
    #expect(bench.reason("other:event") == "")
    #expect(bench.rules.statuses()[0].lastError == nil)
  }

  @Test func replaceKeepsUnchangedRules() throws {
    let bench = try RuleBench(
      hot { $0.hold = .seconds(10) },
      hot {
        $0.id = "gone"; $0.hold = .seconds(10)
      },
      hot {
        $0.id = "changed"; $0.hold = .seconds(10)
      }, hot { $0.id = "plain" })
    bench.measure(31)
    #expect(bench.rules.statuses().map(\.fired) == [0, 0, 0, 1])
    bench.clock.advance(by: .seconds(5))
    bench.rules.replace(
      with: try RuleSet(compiling: [
        hot {
          $0.id = "plain"; $0.location.line = 77
        }, hot { $0.hold = .seconds(10) },
        hot {
          $0.id = "changed"; $0.hold = .seconds(11)
        },
      ]))
    #expect(bench.rules.statuses().map(\.fired) == [1, 0, 0])
    #expect(bench.rules.statuses()[0].location.line == 77)
    #expect(bench.clock.waiting == 1)
    bench.clock.advance(by: .seconds(5))
    #expect(bench.firings.map(\.rule) == ["plain", "hot"])
    bench.clock.advance(by: .seconds(60))
    #expect(bench.firings.count == 2)
  }

  @Test func invalidRuleSetChangesNothing() throws {
    let bench = try RuleBench(hot())
    #expect(throws: Diagnostics.self) {
      bench.rules.replace(with: try RuleSet(compiling: [hot { $0.condition = condition("1 +") }]))
    }
    bench.measure(31)
    #expect(bench.firings.count == 1)
  }

  @Test func replacedRulesForgetRunningFirings() throws {
    let bench = try RuleBench(hot())
    bench.finishesAtOnce = false
    bench.measure(31)
    bench.rules.replace(with: try RuleSet(compiling: [hot { $0.cooldown = .seconds(1) }]))
    bench.measure(31)
    #expect(bench.firings.count == 2)
    bench.rules.finished(bench.firings[0].id)
    bench.measure(31)
    #expect(bench.firings.count == 2)
  }

  @Test func deinitCancelsTimers() throws {
    let clock = ManualClock()
    let environment = try RuleBench()
    var engine: RuleEngine? = RuleEngine(clock: clock, environment: environment)
    engine?.replace(with: try RuleSet(compiling: [hot { $0.trigger = .every(.seconds(1)) }]))
    #expect(clock.waiting == 1)
    engine = nil
    #expect(clock.waiting == 0)
  }
}

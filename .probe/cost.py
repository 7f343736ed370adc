"""CPU us per reading: fast path, exact path, core. full shipped policy at sizes; bench policy."""
import time,sys
sys.argv=['x','1']
from tests.support.worlds import *
from bench.job import load_plan, everybody, NOW_MS as BNOW
from bench.fleet import envelopes
from processors.core_path import CorePath
from processors.core import core_room, core_time_state
from processors.state.bins import Room
def measure(program, people, values, now, readings):
    mk=lambda: Processor(program,people,EveryKey(),lambda _,key:key[0]%4)
    fast=mk(); ex=mk(); core=CorePath(mk())
    res={}
    for rnd in range(3):
        for name in ('fast','exact','core'):
            st= core_time_state(program.lives_ms,program.plan.late_ms,core_room(10**7)) if name=='core' else program.empty_state(Room(10**7))
            t=Tally(program); c=time.process_time(); n=0
            if name=='core':
                for i in range(0,len(values),500):
                    n+=len(core.process([(v,now) for v in values[i:i+500]],now,t,st)); st.adopt()
            else:
                f=fast.process if name=='fast' else ex._exactly
                for v in values: n+=len(f(v,now,now,t,st))
            c=time.process_time()-c
            if rnd: res.setdefault(name,[]).append(c/readings*1e6)
            if rnd==2: print(name, round(min(res[name]),3), 'us/reading; records/envelope', round(n/len(values),1), 'exact', t.exact_path)
if 'bench':
    values=[v for _,v in envelopes(2000)]
    print('bench policy 60'); measure(build_program(load_plan()),everybody(),values,BNOW,60*len(values))
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from policy.compiler.compile import compile_plan
from policy.language.parse import parse
from policy.plan.limits import Limits
from assessment.rehearsal import everybody_agrees
from ingest.simulation.fleet import Fleet
import random
plan=compile_plan(parse(load_files(shipped_policy_path())),load_catalogue(),Limits()).plan
program=build_program(plan)
def env(n,i,chance):
    dev=f"dev-{i%200:06d}"
    per=max(1,n//6)
    t0=NOW_MS-3_600_000+i*1000*per//200
    dt=[k*1000 for k in range(per)]
    c=lambda u,v:{"unit":u,"dt":dt,"value":v}
    s={}
    for path,u,lo,hi,d in [("Vehicle.Speed","km/h",0,120,1),("Vehicle.Powertrain.CombustionEngine.Speed","rpm",700,4000,0),("Vehicle.Powertrain.FuelSystem.RelativeLevel","percent",10,90,1),("Vehicle.CurrentLocation.Latitude","degrees",35.5,35.8,6),("Vehicle.CurrentLocation.Longitude","degrees",139.5,139.8,6),("Vehicle.Powertrain.CombustionEngine.ECT","celsius",70,95,0)]:
        sig=plan.catalogue.by_path.get(path)
        if sig is None or path not in program.index: continue
        s[path]=c(sig.unit,[ (round(chance.uniform(lo,hi),d) if not sig.is_integer else chance.randint(lo,hi)) for _ in dt])
    return envelope(s,at_ms=t0,device=dev,id=f"01K{i:023d}"), sum(len(x['dt']) for x in s.values())
people=everybody_agrees(plan,[f"dev-{i:06d}" for i in range(200)])
for n in (10,60,200):
    ch=random.Random(3); vals=[env(n,i,ch) for i in range(2000)]
    print('shipped',n,vals[0][1]); measure(program,people,[v for v,_ in vals],NOW_MS,sum(r for _,r in vals))

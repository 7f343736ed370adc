import sys, random
from tests.support.worlds import *
from roadfade.in_force.documents import load_catalogue, load_files, shipped_policy_path
from policy.compiler.compile import compile_plan
from policy.language.parse import parse
from policy.plan.limits import Limits
from assessment.rehearsal import everybody_agrees
from ingest.collection_gate import gate
from ingest.simulation.fleet import Fleet
from processors.core_path import CorePath
from processors.core import core_room, core_time_state
from processors.state.bins import Room
from telemetry.wire.envelope import encode_envelope
from tests.proof.envelopes import _sent
from itertools import islice
plan=compile_plan(parse(load_files(shipped_policy_path())),load_catalogue(),Limits()).plan
fleet=Fleet(50,7)
people=everybody_agrees(plan,fleet.devices)
program=build_program(plan)
mk=lambda: Processor(program,people,EveryKey(),lambda _,key:key[0]%4)
exact=mk(); core=CorePath(mk())
es=program.empty_state(Room(10**6)); cs=core_time_state(program.lives_ms,plan.late_ms,core_room(10**6))
N=int(sys.argv[1]); bad=0; ex=0
batch=[]
import time
for payload,readings in islice(_sent(fleet,plan.collected),N):
    a,b=Tally(program),Tally(program)
    x=exact._exactly(payload,NOW_MS,NOW_MS,a,es)
    y=core.process([(payload,NOW_MS)],NOW_MS,b,cs)
    ex+=b.exact_path
    if x!=y or a.settle()!=b.settle():
        bad+=1
        if bad<3:
            print(payload[:600]); print(len(x),len(y))
            for p,q in zip(x,y):
                if p!=q: print(p.topic,p.partition,p.key,p.value[:800],p.headers,'\n---\n',q.topic,q.partition,q.key,q.value[:800],q.headers); break
            print(a.settle()==b.settle())
print('bad',bad,'exact',ex,'of',N, es.living()==cs.living())

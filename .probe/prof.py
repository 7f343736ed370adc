import cProfile,pstats,time
from tests.support.worlds import *
from bench.job import load_plan, everybody, NOW_MS as BNOW
from bench.fleet import envelopes
from processors.state.bins import Room
values=[v for _,v in envelopes(1500)]
program=build_program(load_plan()); people=everybody()
mk=lambda: Processor(program,people,EveryKey(),lambda _,key:key[0]%4)
for name in 'fast','exact','fast','exact':
    p=mk(); st=program.empty_state(Room(10**7)); t=Tally(program)
    f=p.process if name=='fast' else p._exactly
    c=time.process_time()
    for v in values: f(v,BNOW,BNOW,t,st)
    print(name,(time.process_time()-c)/len(values)/60*1e6)
pr=cProfile.Profile(); pr.enable()
for v in values: p._exactly(v,BNOW,BNOW,t,st)
pr.disable(); pstats.Stats(pr).sort_stats('tottime').print_stats(16)

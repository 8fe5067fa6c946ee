"""Files of returns and factors as they come."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ftm_ray.errors import ConfigError, SourceError
from ftm_ray.events.factors import explain, read_factors
from ftm_ray.events.returns import read_returns

LEGACY = """PERMNO,date,RET,DLRET,PRC,SHROUT,vwretd
10001,20240102,0.010000,,50.0,100,0.001
10001,20240103,C,,-51.0,100,0.002
10001,20240104,-0.020000,-0.500000,40.0,100,0.003
10002,20240102,-99.0,,10.0,200,0.001
10002,20240103,0.030000,,11.0,200,0.002
10002,20240103,0.030000,,11.0,200,0.002
10002,20240104,,A,,200,0.003
10003,20240102,0.5,,1,1,0.001
"""
CIZ = """PERMNO,DlyCalDt,DlyRet,DlyDelFlg,DlyCap
10001,2024-01-02,0.01,N,5000
10001,2024-01-03,-0.51,Y,2500
10002,2024-01-02,,N,2000
10003,2024-01-03,0.02,N,1
"""
FRENCH = """This file was created by CMPT_ME_BEME_RETS_DAILY using the 202409 CRSP database.\r\r\n
,Mkt-RF,SMB,HML,RF
20240102,   -0.70,   -1.24,    0.93,   0.022
20240103,  -99.99,   -1.81,    0.10,   0.022
20240104,    1.00, -999.00,    0.20,   0.022

Copyright 2024 Kenneth R. French
"""
MOMENTUM = "words\n\n,Mom   \n20240102,    0.50\n20240104,   -0.25\n"


def written(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_crsp_legacy(tmp_path):
    panel = read_returns(written(tmp_path / "r.csv", LEGACY), np.array([10002, 10001]))
    assert panel.permnos.tolist() == [10001, 10002]
    assert panel.days.astype(str).tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]
    one, two = panel.returns.T
    assert one == pytest.approx([0.01, np.nan, 0.98 * 0.5 - 1], nan_ok=True)  # a letter; the delisting compounded
    assert two == pytest.approx([np.nan, 0.03, np.nan], nan_ok=True)  # -99, a row twice, a coded delisting return
    assert panel.delisted.tolist() == [2, -1]
    assert panel.caps[1].tolist() == [5100.0, 2200.0]  # a negative price is a mean of bid and ask
    assert panel.market.tolist() == [0.001, 0.002, 0.003]


def test_crsp_ciz_and_parquet(tmp_path):
    path = written(tmp_path / "r.csv", CIZ)
    panel = read_returns(path, np.array([10001, 10002]))
    assert panel.returns[:, 0].tolist() == [0.01, -0.51]
    assert np.isnan(panel.returns[:, 1]).all()
    assert (panel.delisted.tolist(), panel.caps[1, 0], panel.market) == ([1, -1], 2500.0, None)
    days = pa.array(["2024-01-02", "2024-01-03"]).cast(pa.date32())
    table = pa.table({"permno": pa.array([10001, 10001], pa.int32()), "date": days, "ret": [0.01, -0.15]})
    pq.write_table(table, tmp_path / "r.parquet")
    assert read_returns(tmp_path / "r.parquet", np.array([10001])).returns[:, 0].tolist() == [0.01, -0.15]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("permno,date\n1,20240102\n", "has no column ret or dlyret; found permno, date"),
        ("date,ret\n20240102,0.1\n", "has no column permno"),
        ("1,0.001,0.001\n1,20240102,0.1\n", "has no column date"),  # a row where the header should be
        ("permno,date,ret\n1,2 January,0.1\n", "days such as '2 January' cannot be read"),
        ("permno,date,ret\n1,20240102,1.1\n1,20240103,-0.9\n", "give 0.01 for 1 %"),
        ("permno,date,ret\n1,20240102,0.1\n1,20240102,0.2\n", "contradict another row of the same permno and day"),
    ],
)
def test_files_that_are_refused(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        read_returns(written(tmp_path / "r.csv", text), np.array([1]))


def test_factors_of_kens_site_are_in_percent_with_marks_for_missing(tmp_path):
    factors = read_factors([written(tmp_path / "f.csv", FRENCH), written(tmp_path / "m.csv", MOMENTUM)])
    assert factors.days.astype(str).tolist() == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert factors.values["mktrf"] == pytest.approx([-0.007, np.nan, 0.01], nan_ok=True)
    assert factors.values["smb"] == pytest.approx([-0.0124, -0.0181, np.nan], nan_ok=True)
    assert factors.values["umd"] == pytest.approx([0.005, np.nan, -0.0025], nan_ok=True)
    assert factors.values["rf"] == pytest.approx([0.00022] * 3)


def test_lone_carriage_returns_end_lines_too(tmp_path):
    path = written(tmp_path / "f.csv", FRENCH.replace("\r\r\n", "\n").replace("\n", "\r"))
    assert len(read_factors([path]).days) == 3


def test_monthly_factors_and_strange_files_are_refused(tmp_path):
    monthly = ",Mkt-RF,SMB,HML,RF\n202401,0.70,1.2,0.9,0.4\n"
    with pytest.raises(SourceError, match="take the daily file, not the monthly"):
        read_factors([written(tmp_path / "f.csv", monthly)])
    with pytest.raises(SourceError, match="has no daily factors"):
        read_factors([written(tmp_path / "x.csv", "a,b\n1,2\n")])
    with pytest.raises(SourceError, match="expected 4 numbers a line .*, got 3"):
        read_factors([written(tmp_path / "y.csv", ",Mkt-RF,SMB,HML,RF\n20240102,0.70,1.2,0.9\n")])
    with pytest.raises(SourceError, match="the factor mktrf was in a file before"):
        path = written(tmp_path / "g.csv", FRENCH)
        read_factors([path, path])


def test_a_model_says_which_factors_it_lacks(tmp_path):
    panel = read_returns(written(tmp_path / "r.csv", CIZ), np.array([10001]))
    with pytest.raises(ConfigError, match="the model ff5 needs cma, rmw"):
        explain(panel, read_factors([written(tmp_path / "f.csv", FRENCH)]), "ff5")
    with pytest.raises(ConfigError, match="or a column vwretd with the returns"):
        explain(panel, None, "market")
